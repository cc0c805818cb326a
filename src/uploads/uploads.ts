import { type Wording, wording } from '../i18n/messages.ts';
import type { Readable } from 'node:stream';
import multipart from '@fastify/multipart';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { sizeLimits } from '../config/size-limits.ts';
import { DomainError, invalidField, refusals } from '../errors/errors.ts';
import type { Actor } from '../identity/actor.ts';
import { accountRequired } from '../identity/policy.ts';
import { cleanPastedText } from '../http/pasted-text.ts';
import { UploadRoom, uploadSpeed, type OpenUpload, type UploadSpeed } from './upload-limit.ts';

/** Maximum size of an uploaded picture in bytes. */
const pictureLimitBytes = sizeLimits.pictureBytes.max;

const pictureTooLarge: Wording = wording('errors.picture.tooLarge');

/** The name of the form field with the picture. */
const pictureField = 'picture';

declare module 'fastify' {
  interface FastifyInstance {
    /** The uploads in progress on all routes of the server. */
    uploads: UploadRoom;
  }
  interface FastifyRequest {
    /** The upload of this request. */
    upload: OpenUpload | undefined;
  }
}

/** Prepares a server for uploads. All routes of the server share the same upload limits. */
export function countUploads(server: FastifyInstance, speed: Partial<UploadSpeed> = {}): void {
  server.decorate('uploads', new UploadRoom({ ...uploadSpeed, ...speed }));
  server.decorateRequest('upload', undefined);
}

/** Size limits of a form. */
interface UploadLimits {
  readonly fileBytes?: number;
  readonly fieldBytes?: number;
  /** Maximum number of files; the default is one. */
  readonly files?: number;
}

/** The content of a form with an optional picture. */
export interface Upload {
  /** The text fields by name. When a name occurs more than once, the last value is used. */
  readonly fields: Readonly<Record<string, string>>;
  /** The picture; undefined when no file was chosen. */
  readonly picture: Buffer | undefined;
}

/**
 * Makes the routes of this server instance accept forms with one file, by default a picture, from
 * signed-in users. When a user already has too many uploads in progress, a further one is refused
 * before any of it is read.
 */
export function takeUploads(
  server: FastifyInstance,
  { fileBytes = pictureLimitBytes, fieldBytes = 32_768, files = 1 }: UploadLimits = {},
): void {
  void server.register(multipart, {
    limits: {
      fileSize: fileBytes,
      files,
      fields: 30,
      parts: 30 + files,
      fieldNameSize: 100,
      fieldSize: fieldBytes,
      headerPairs: 20,
    },
  });
  const { uploads } = server;
  server.addHook('preHandler', async (request, reply) => {
    if (!request.isMultipart()) return;
    // Routes of pages store the caller in `visit`; routes of the API store it in `actor`.
    const actor = (request as { visit?: { actor: Actor } }).visit?.actor ?? request.actor;
    if (actor.kind === 'visitor') throw accountRequired(actor);
    const upload = uploads.begin(actor.kind === 'service' ? undefined : actor.userId);
    request.upload = upload;
    reply.raw.once('close', () => uploads.end(upload));
  });
}

/**
 * Reads a form with an optional picture into memory: at most 5 MB of file and 1 MB of text. Throws:
 * validation_failed (the picture is too large), malformed_request, unsupported_media_type.
 */
export async function readUpload(request: FastifyRequest): Promise<Upload> {
  const { fields, file } = await readFormWithFile(request, pictureField, pictureTooLarge);
  return { fields, picture: file };
}

/** The content of a form with an optional file. */
export interface FormWithFile {
  readonly fields: Upload['fields'];
  readonly file: Buffer | undefined;
  /** The file's name on the sender's device. */
  readonly fileName: string | undefined;
}

/**
 * Reads a form with an optional file in the field with this name; the file is undefined when the
 * user chose none. Throws the same errors as readUpload, except that the error for a file that is
 * too large has the given message.
 */
export async function readFormWithFile(
  request: FastifyRequest,
  fileField: string,
  tooLarge: Wording,
): Promise<FormWithFile> {
  const { fields, files, fileName } = await readFormWithFiles(request, fileField, tooLarge);
  return { fields, file: files.at(-1), fileName };
}

/** Like readFormWithFile, but returns all chosen files of the field, in order. */
export async function readFormWithFiles(
  request: FastifyRequest,
  fileField: string,
  tooLarge: Wording,
): Promise<Pick<FormWithFile, 'fields' | 'fileName'> & { readonly files: readonly Buffer[] }> {
  if (!request.isMultipart()) throw new DomainError('unsupported_media_type', {});
  const fields: Record<string, string> = Object.create(null) as Record<string, string>;
  const files: Buffer[] = [];
  let fileName: string | undefined;
  const { upload } = request;
  const { uploads } = request.server;
  try {
    for await (const part of request.parts()) {
      if (part.type === 'field') {
        if (part.valueTruncated || part.fieldnameTruncated) throw new TruncatedField();
        fields[part.fieldname] = String(part.value);
        if (upload) uploads.add(upload, fields[part.fieldname]!.length);
      } else {
        const bytes = await bytesOf(part.file, upload, uploads);
        if (part.file.truncated) throw new FileTooLarge();
        if (part.fieldname === fileField && bytes.length > 0) {
          files.push(bytes);
          fileName = part.filename;
        }
      }
    }
    if (upload) upload.isComplete = true;
  } catch (error) {
    if (upload?.failure !== undefined) throw upload.failure;
    if (error instanceof FileTooLarge) throw invalidField(fileField, tooLarge);
    if ((error as { code?: unknown }).code === 'FST_REQ_FILE_TOO_LARGE') {
      throw invalidField(fileField, tooLarge);
    }
    throw refusalOf(error);
  }
  cleanPastedText(fields);
  return { fields, files, fileName };
}

/**
 * Returns the file of a form with a proof of payment; undefined when the user chose no file. Throws
 * the same errors as readUpload, except that the error for a file that is too large is
 * proof_not_accepted.
 */
export async function readProofFile(request: FastifyRequest): Promise<Buffer | undefined> {
  try {
    return (await readFormWithFile(request, pictureField, pictureTooLarge)).file;
  } catch (error) {
    const isOfFile = error instanceof DomainError && error.code === 'validation_failed';
    throw isOfFile ? new DomainError('proof_not_accepted', { reason: 'file_too_large' }) : error;
  }
}

/**
 * Returns the picture of a request that must contain a picture. Throws the same errors as
 * readUpload, and validation_failed when the picture is missing.
 */
export async function readPicture(request: FastifyRequest): Promise<Buffer> {
  const { picture } = await readUpload(request);
  if (picture !== undefined) return picture;
  throw invalidField(pictureField, wording('errors.picture.missing'));
}
readPicture.refusals = refusals('rate_limited', 'request_timeout');

class TruncatedField extends Error {}
class FileTooLarge extends Error {}

/** Reads a file into memory. Its bytes are counted as they arrive. */
async function bytesOf(
  file: Readable,
  upload: OpenUpload | undefined,
  room: UploadRoom,
): Promise<Buffer> {
  const chunks: Buffer[] = [];
  if (upload) upload.source = file;
  for await (const chunk of file as AsyncIterable<Buffer>) {
    if (upload) room.add(upload, chunk.length);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function refusalOf(error: unknown): unknown {
  const { statusCode } = error as { statusCode?: unknown };
  if (error instanceof TruncatedField || statusCode === 413) {
    return new DomainError('payload_too_large', { maximum_bytes: pictureLimitBytes });
  }
  if (statusCode !== undefined) return error;
  // The form parser failed, because the body is not a form or is incomplete.
  return new DomainError('malformed_request', {});
}
