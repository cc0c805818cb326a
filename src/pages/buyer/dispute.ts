import Type from 'typebox';
import type { FastifyRequest } from 'fastify';
import type { PageDeps } from '../deps.ts';
import { formParser, toResult } from '../../http/forms.ts';
import { closed, Id, text } from '../../http/schemas.ts';
import { redirect, type PagePlugin } from '../../http/page-response.ts';
import { readFormWithFiles, takeUploads } from '../../uploads/uploads.ts';
import { openDispute } from '../../ledger/disputes/operations.ts';
import {
  addDisputePictures,
  disputePictureField,
  disputePictureTooLarge,
  maxDisputePictures,
  readDisputePictures,
  viewDisputePicture,
} from '../../ledger/disputes/pictures.ts';
import { disputePictureHeaders } from '../../ledger/disputes/routes.ts';
import { runInTransaction } from '../../operation/run.ts';
import { requirePerson } from '../kit/signed-in.ts';
import { faultOf } from './money.ts';
import { ownParticipation, showParticipation } from './participation.ts';

const schema = { params: closed({ id: Id }) };
const picture = {
  params: closed({ id: Id }),
  querystring: closed({
    nomor: Type.Optional(Type.Integer({ minimum: 1, maximum: maxDisputePictures })),
  }),
};
const readTrouble = formParser(closed({ reason: text(3, 500) }));

/**
 * Registers the form that opens a dispute with pictures, and the routes that show these pictures.
 */
export function disputePages(app: PageDeps): PagePlugin {
  return async (server) => {
    takeUploads(server, { files: maxDisputePictures });

    server.post('/ikutan/:id/masalah', { schema }, async (request, reply) => {
      const { visit } = request;
      const { id } = request.params;
      const row = await ownParticipation(app, visit, id);
      const sent = await toResult(() => readSent(request));
      if ('refused' in sent) {
        return showParticipation(app, request, reply, row, faultOf('dispute', sent.refused));
      }
      const form = readTrouble(sent.done.fields);
      const { typed } = form;
      if ('errors' in form) {
        const fault = { form: 'dispute', errors: form.errors, typed, status: 422 } as const;
        return showParticipation(app, request, reply, row, fault);
      }
      const reason = form.value.reason.trim();
      const answer = await toResult(async () => {
        const pictures = await readDisputePictures(sent.done.files);
        await runInTransaction(app.db, async (tx) => {
          await openDispute(tx, visit.actor, id, reason);
          if (pictures.length > 0) await addDisputePictures(tx, visit.actor, id, pictures);
        });
      });
      if ('refused' in answer) {
        const fault = faultOf('dispute', answer.refused, typed);
        return showParticipation(app, request, reply, row, fault);
      }
      return redirect(request, reply, `/ikutan/${id}`);
    });

    server.get('/keluhan/:id/foto', { schema: picture }, async (request, reply) => {
      const { visit } = request;
      requirePerson(visit);
      const { id } = request.params;
      const { nomor: number = 1 } = request.query;
      const content = await viewDisputePicture(app.db, visit.actor, id, number);
      return reply.headers(disputePictureHeaders(id, number)).send(content);
    });
  };
}

/**
 * Reads the form. It is a multipart form if it has pictures; without pictures an ordinary form is
 * accepted too.
 */
async function readSent(request: FastifyRequest) {
  if (!request.isMultipart()) return { fields: request.body, files: [] };
  return await readFormWithFiles(request, disputePictureField, disputePictureTooLarge);
}
