import { query } from '../database/query.ts';
import type { Language } from '../i18n/language.ts';
import type { MessageParams } from './messages/messages.ts';

/** The language and time zone of the person who reads the notifications. */
export interface Reader {
  readonly locale: Language | null;
  readonly time_zone: string | null;
}

export type InboxRow = Reader & MessageRow;

export interface MessageRow {
  readonly notification_id: string;
  readonly campaign_id: string;
  readonly kind: string;
  readonly params: MessageParams;
  readonly created_at: Date;
  readonly read_at: Date | null;
}

/**
 * Query for a page of a person's notifications, newest first: all notifications, or only the unread
 * ones.
 */
export const listInbox = query<
  [userId: string, unreadOnly: boolean, before: string | null, limit: number],
  InboxRow
>(
  'list_inbox',
  `select n.notification_id, n.campaign_id, n.kind, n.params, n.created_at, n.read_at,
    p.locale, p.time_zone
  from (
    select * from sambatan.notifications
    where user_id = $1 and in_app and (not $2 or read_at is null)
      and notification_id < coalesce($3, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid)
    order by notification_id desc limit $4) n
  left join sambatan.profiles p on p.user_id = n.user_id
  order by n.notification_id desc`,
);

/**
 * Query for the number of a person's unread notifications. It counts only up to `most`, because the
 * page shows only "many" above that number.
 */
export const countUnread = query<[userId: string, most: number], { readonly unread: number }>(
  'count_unread',
  `select count(*)::integer as unread from (
    select from sambatan.notifications
    where user_id = $1 and in_app and read_at is null limit $2) n`,
);

export const markRead = query<
  [userId: string, notificationId: string],
  { readonly notification_id: string; readonly read_at: Date }
>(
  'mark_read',
  `update sambatan.notifications set read_at = coalesce(read_at, clock_timestamp())
  where user_id = $1 and notification_id = $2 and in_app
  returning notification_id, read_at`,
);

/**
 * Query that marks a person's unread notifications as read: all notifications, or all up to a given
 * notification. One call marks only a limited number.
 */
export const markAllRead = query<
  [userId: string, upTo: string | null, limit: number],
  { readonly notification_id: string }
>(
  'mark_all_read',
  `update sambatan.notifications n set read_at = clock_timestamp()
  from (select campaign_id, notification_id from sambatan.notifications
    where user_id = $1 and in_app and read_at is null
      and notification_id <= coalesce($2, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid)
    order by notification_id limit $3) unread
  where n.campaign_id = unread.campaign_id and n.notification_id = unread.notification_id
  returning n.notification_id`,
);

export interface SettingRow {
  readonly topic: string;
  readonly email: boolean;
  readonly in_app: boolean;
}

export const listSettings = query<[userId: string], SettingRow>(
  'list_settings',
  'select topic, email, in_app from sambatan.message_settings where user_id = $1',
);

/**
 * Query that changes a setting. A null parameter does not change its field. If the setting has no
 * row yet, the field of a null parameter gets the default.
 */
export const putSetting = query<
  [
    userId: string,
    topic: string,
    email: boolean | null,
    inApp: boolean | null,
    emailDefault: boolean,
    inAppDefault: boolean,
  ],
  SettingRow
>(
  'put_setting',
  `insert into sambatan.message_settings as s (user_id, topic, email, in_app)
  values ($1, $2, coalesce($3::boolean, $5), coalesce($4::boolean, $6))
  on conflict (user_id, topic) do update set email = coalesce($3, s.email),
    in_app = coalesce($4, s.in_app), updated_at = now()
  returning topic, email, in_app`,
);
