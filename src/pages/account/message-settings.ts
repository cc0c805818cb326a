import type { PageDeps } from '../deps.ts';
import type { Wording } from '../../errors/errors.ts';
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
  orders: { id: 'Slot yang kuambil', en: 'My slots' },
  payments: { id: 'Pembayaran dan pengembalian dana', en: 'Payments and refunds' },
  campaigns: { id: 'Kabar Sambatan yang kuikuti', en: 'News of campaigns that I joined' },
  waiting: { id: 'Antrean dan slot yang ditawarkan', en: 'Waiting lists and offers' },
  reminders: { id: 'Pengingat yang kuminta', en: 'Reminders that I asked for' },
  seller: { id: 'Hasil Sambatan tokoku', en: "What my shop's campaigns come to" },
  seller_digest: {
    id: 'Ringkasan siapa yang ikut di tokoku',
    en: 'Digests of who joins at my shop',
  },
};

/** What a person wants to hear of, by mail and in the inbox: one form for all of it. */
export function messageSettingPages(app: PageDeps): PagePlugin {
  return async (server) => {
    server.get(path, async (request, reply) => {
      const { visit } = request;
      const { userId } = requirePerson(visit);
      authorize(visit.actor, 'notification.settings');
      const settings = await settingsOf(app.db, userId);
      const saved = Object.hasOwn(request.query as object, 'simpan');
      const title = visit.t('Pemberitahuan', 'What I am told');
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
      t('Pilih yang mau kamu dengar, dan lewat mana.', 'Choose what you hear of, and how.'),
    )}${saved && notice('good', t('Tersimpan.', 'Saved.'))}
    <form method="post" action="${url(path)}" class="panel stack">
      ${settings.map(
        ({ topic, email, in_app: inApp }) =>
          html`<fieldset class="topic">
            <legend>${inLanguage(visit, words[topic])}</legend>
            <div class="row">
              ${box(`email_${topic}`, 'E-mail', email)}
              ${box(`in_app_${topic}`, t('Pesan di sini', 'Messages here'), inApp)}
            </div>
          </fieldset>`,
      )}
      <div class="row">
        <button class="button">${t('Simpan', 'Save')}</button>
        <a class="button quiet" href="${url('/akun/pesan')}">${t('Ke pesan', 'To my messages')}</a>
      </div>
    </form>`;
}
