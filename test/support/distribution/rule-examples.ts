/** Tables and functions, or a query, that break a rule or follow it. */
export interface RuleExample {
  readonly definitions?: string;
  readonly query?: string;
}

const marks = (more: string) =>
  `create table sambatan.marks (campaign_id uuid not null, mark_id uuid not null, ${more});`;
const trigger = (each: string, table: string) => `
  create function sambatan.refuse_mark() returns trigger language plpgsql as
    $$ begin return null; end $$;
  create trigger marks_trigger before delete on sambatan.${table}
    for each ${each} execute function sambatan.refuse_mark();`;
const counting = (language: string, body: string) => `
  create function sambatan.count_marks(p_campaign_id uuid) returns bigint
    language ${language} as $$ ${body} $$;`;
const counted = `select count(*) from sambatan.participants p where p.campaign_id = p_campaign_id`;
const plpgsqlCount = counting('plpgsql', `begin return (${counted}); end`);

/** For each rule examples that break it and no other, and what can be written instead. */
export const ruleExamples: Readonly<
  Record<string, { readonly offending: readonly RuleExample[]; readonly allowed: RuleExample }>
> = {
  'key-without-campaign': {
    offending: [{ definitions: marks('primary key (mark_id)') }],
    allowed: { definitions: marks('primary key (campaign_id, mark_id)') },
  },
  'foreign-key': {
    offending: [
      {
        definitions: `create table sambatan.marks (mark_id uuid primary key, campaign_id uuid
        references sambatan.campaign_details)`,
      },
      {
        definitions: marks(`endpoint_id uuid references sambatan.webhook_endpoints (endpoint_id)`),
      },
      {
        definitions: marks(`foreign key (mark_id, campaign_id) references sambatan.participants`),
      },
    ],
    allowed: {
      definitions: marks(`brand_id uuid references sambatan.brands,
        foreign key (campaign_id) references sambatan.campaign_details`),
    },
  },
  'row-trigger': {
    offending: [{ definitions: marks('primary key (campaign_id)') + trigger('row', 'marks') }],
    allowed: { definitions: trigger('row', 'addresses') },
  },
  'statement-trigger': {
    offending: [
      { definitions: marks('primary key (campaign_id)') + trigger('statement', 'marks') },
    ],
    allowed: { definitions: trigger('statement', 'addresses') },
  },
  'row-type-in-signature': {
    offending: [
      {
        definitions: `create function sambatan.mark(p sambatan.participants) returns integer
        language sql as $$ select p.quantity $$`,
      },
      {
        definitions: `create view sambatan.marked as select * from sambatan.participants;
        create function sambatan.mark(p sambatan.marked) returns integer
        language sql as $$ select p.quantity $$`,
      },
    ],
    allowed: {
      definitions: `create function sambatan.mark(p_quantity integer) returns integer
        language sql as $$ select p_quantity $$`,
    },
  },
  'simple-case': {
    offending: [
      { query: `select case c.status when 'locked' then 1 end from sambatan.campaigns c` },
    ],
    allowed: { query: `select case when c.status = 'locked' then 1 end from sambatan.campaigns c` },
  },
  'empty-select': {
    offending: [{ query: 'select exists (select from sambatan.campaigns)' }],
    allowed: { query: 'select exists (select 1 from sambatan.campaigns)' },
  },
  'whole-row': {
    offending: [{ query: 'select c as known from sambatan.campaigns c' }],
    allowed: { query: 'select c.title as c from sambatan.campaigns c' },
  },
  'sql-function': {
    offending: [{ definitions: counting('sql', counted) }],
    allowed: { definitions: plpgsqlCount },
  },
  'lock-over-shards': {
    offending: [
      {
        query: 'select 1 from sambatan.campaigns where campaign_id = any ($1) for update',
      },
    ],
    allowed: { query: 'select 1 from sambatan.campaigns where campaign_id = $1 for update' },
  },
  'volatile-write': {
    offending: [
      {
        query: `update sambatan.campaign_details set deadline = deadline + interval '1 day'
        where campaign_id = $1`,
      },
      {
        query: `update sambatan.campaign_states set updated_at = clock_timestamp() where campaign_id = $1`,
      },
      {
        query: `insert into sambatan.refused_joins values ($1, $2, $3, $4, $5)
        returning answered_at > now()`,
      },
      {
        query: `insert into sambatan.refused_joins values ($1, $2, $3, $4, $5)
        on conflict (campaign_id, participation_id) do update set answered_at = now()`,
      },
    ],
    allowed: {
      query: `update sambatan.campaign_states set next_run_at = $2, updated_at = now()
        where campaign_id = $1 returning campaign_id`,
    },
  },
  'correlated-beside-set': {
    offending: [
      {
        query: `select q.id, (select sum(p.quantity) from sambatan.participants p
        where p.campaign_id = q.id) from unnest($1::uuid[]) as q (id)`,
      },
    ],
    allowed: {
      query: `select q.id, p.slots from unnest($1::uuid[]) as q (id)
        left join (select s.campaign_id, sum(s.quantity) as slots from sambatan.participants s
          group by s.campaign_id) p on p.campaign_id = q.id`,
    },
  },
  'writing-cte': {
    offending: [
      {
        query: `with taken as (delete from sambatan.deliveries returning campaign_id)
        select c.title from taken t join sambatan.campaigns c using (campaign_id)`,
      },
    ],
    allowed: { query: 'delete from sambatan.deliveries returning campaign_id' },
  },
  'alter-table': {
    offending: [
      {
        query: `alter table sambatan.campaign_states drop constraint campaign_states_closing,
        add constraint campaign_states_closing check (true)`,
      },
      {
        query: `alter table sambatan.campaign_states add column mark text check (mark <> '')`,
      },
    ],
    allowed: {
      query: `alter table sambatan.campaign_states drop constraint campaign_states_closing;
        alter table sambatan.campaign_states add constraint campaign_states_closing check (true);
        alter table sambatan.campaign_states add column mark text not null default ''`,
    },
  },
  'join-without-campaign': {
    offending: [
      {
        query: `select 1 from sambatan.participants p
        join sambatan.transactions t using (participation_id)`,
      },
    ],
    allowed: {
      query: `select 1 from sambatan.participants p
        join sambatan.transactions t using (campaign_id, participation_id)
        join sambatan.campaigns c on (c.campaign_id, 1) = (t.campaign_id, 1)
        where exists (select 1 from sambatan.audit_logs a where a.campaign_id = c.campaign_id)`,
    },
  },
  'join-with-local': {
    offending: [
      {
        query: 'select 1 from sambatan.deliveries d join sambatan.campaigns c using (campaign_id)',
      },
    ],
    allowed: {
      query: 'select 1 from sambatan.campaigns c join sambatan.brands b using (brand_id)',
    },
  },
  'function-on-shard': {
    offending: [
      {
        definitions: plpgsqlCount,
        query: `select sambatan.count_marks(c.campaign_id) from sambatan.campaigns c`,
      },
    ],
    allowed: { definitions: plpgsqlCount, query: 'select sambatan.count_marks($1)' },
  },
};
