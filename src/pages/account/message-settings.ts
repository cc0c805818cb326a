import { type Wording, wording } from '../../i18n/messages.ts';
import type { PageDeps } from '../deps.ts';
import { rawFields } from '../../http/forms.ts';
import { redirect, sendPage, type PagePlugin } from '../../http/page-response.ts';
import { authorize } from '../../identity/policy.ts';
import { setTopic, settingsOf, type TopicSetting } from '../../notifications/operations.ts';
import { topicNames, type Topic } from '../../notifications/messages/topics.ts';
import { runInTransaction } from '../../operation/run.ts';
import { checkbox, notice } from '../../web/components.ts';
import { html, type Html } from '../../web/html.ts';
import { heading } from '../../web/layout.ts';
import { inLanguage, type PageContext } from '../../web/visit.ts';
import { requirePerson } from '../kit/signed-in.ts';

const path = '/akun/pemberitahuan';

const words: Readonly<Record<Topic, Wording>> = {
  orders: wording('account.messageSettings.orders'),
  payments: wording('account.messageSettings.payments'),
  campaigns: wording('account.messageSettings.campaigns'),
  waiting: wording('account.messageSettings.waiting'),
  reminders: wording('account.messageSettings.reminders'),
  seller: wording('account.messageSettings.seller'),
  seller_digest: wording('account.messageSettings.seller_digest'),
};

/**
 * Registers the page with the notification settings for e-mail and inbox, which are in one form.
 */
export function messageSettingPages(app: PageDeps): PagePlugin {
  return async (server) => {
    server.get(path, async (request, reply) => {
      const { visit } = request;
      const { userId } = requirePerson(visit);
      authorize(visit.actor, 'notification.settings');
      const settings = await settingsOf(app.db, userId);
      const saved = Object.hasOwn(request.query as object, 'simpan');
      const title = visit.t('account.messageSettings.title');
      const main = settingsForm(visit, title, settings, saved);
      return sendPage(request, reply, { title, section: 'account', main });
    });

    server.post(path, async (request, reply) => {
      const { userId } = requirePerson(request.visit);
      authorize(request.visit.actor, 'notification.settings');
      const ticked = rawFields(request.body);
      await runInTransaction(app.db, async (tx) => {
        for (const topic of topicNames) {
          const email = ticked[`email_${topic}`] !== undefined;
          const inApp = ticked[`in_app_${topic}`] !== undefined;
          await setTopic(tx, userId, topic, { email, inApp });
        }
      });
      return redirect(request, reply, `${path}?simpan`);
    });
  };
}

function settingsForm(
  visit: PageContext,
  title: string,
  settings: readonly TopicSetting[],
  saved: boolean,
): Html {
  const { t, url } = visit;
  const box = (name: string, label: string, checked: boolean) =>
    checkbox(visit, { name, label, checked });
  return html`${heading(
      title,
      t('account.messageSettings.chooseWhatWeNotify'),
    )}${saved && notice('good', t('common.saved'))}
    <form method="post" action="${url(path)}" class="panel stack">
      ${settings.map(
        ({ topic, email, in_app: inApp }) =>
          html`<fieldset class="topic">
            <legend>${inLanguage(visit, words[topic])}</legend>
            <div class="row">
              ${box(`email_${topic}`, 'E-mail', email)}
              ${box(`in_app_${topic}`, t('account.messageSettings.onSambatan'), inApp)}
            </div>
          </fieldset>`,
      )}
      <div class="row">
        <button class="button">${t('common.save')}</button>
        <a class="button quiet" href="${url('/akun/pesan')}"
          >${t('account.messageSettings.viewNotifications')}</a
        >
      </div>
    </form>`;
}
