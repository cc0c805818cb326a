import multipart from '@fastify/multipart';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { pictureLimitBytes, pictureTooLarge } from '../catalogue/make-picture.ts';
import { DomainError, invalidField, type Wording } from '../errors.ts';

/** The field that a picture is sent in. */
const pictureField = 'picture';

declare module 'fastify' {
  interface FastifyInstance {
    /** Requests with a file that are under way. */
    uploads: { underWay: number };
  }
}

/** So many forms with a file at once: each is kept in memory until it is answered. */
export const mostUploads = 12;

/** Counts the uploads of this server, for the bound that all its routes share. */
export function countUploads(server: FastifyInstance): void {
  server.decorate('uploads', { underWay: 0 });
}

/** How much a form may have in it. */
interface UploadLimits {
  readonly fileBytes?: number;
  readonly fieldBytes?: number;
}

/** What a form with a picture holds. */
export interface Upload {
  /** The text fields by name; the last one counts where a name comes twice. */
  readonly fields: Readonly<Record<string, string>>;
  /** Undefined when no file was chosen. */
  readonly picture: Buffer | undefined;
}

/**
 * Lets the routes of this instance take forms with one file, a picture unless told otherwise. One
 * upload too many is refused as overloaded before any of it is read.
 */
export function takeUploads(
  server: FastifyInstance,
  { fileBytes = pictureLimitBytes, fieldBytes = 32_768 }: UploadLimits = {},
): void {
  void server.register(multipart, {
    limits: {
      fileSize: fileBytes,
      files: 1,
      fields: 30,
      parts: 31,
      fieldNameSize: 100,
      fieldSize: fieldBytes,
      headerPairs: 20,
    },
  });
  const { uploads } = server;
  const end = () => void uploads.underWay--;
  server.addHook('preHandler', (request, reply, done) => {
    if (!request.isMultipart()) return done();
    if (uploads.underWay >= mostUploads) return done(new DomainError('overloaded', {}));
    uploads.underWay++;
    reply.raw.on('close', end);
    done();
  });
}

/**
 * Reads a form that may have a picture in it, into memory: at most 5 MB of file and 1 MB of text.
 * Refuses: validation_failed (a picture that is too large), malformed_request,
 * unsupported_media_type.
 */
export async function readUpload(request: FastifyRequest): Promise<Upload> {
  const { fields, file } = await readFormWithFile(request, pictureField, pictureTooLarge);
  return { fields, picture: file };
}

/** What a form with a file says; no file where none was chosen. */
export interface FormWithFile {
  readonly fields: Upload['fields'];
  readonly file: Buffer | undefined;
  /** As whoever sent it calls it. */
  readonly fileName: string | undefined;
}

/**
 * Reads a form that may have a file in the field of this name; undefined when none was chosen.
 * Refuses as readUpload; a file that is too large by the words given.
 */
export async function readFormWithFile(
  request: FastifyRequest,
  fileField: string,
  tooLarge: Wording,
): Promise<FormWithFile> {
  if (!request.isMultipart()) throw new DomainError('unsupported_media_type', {});
  const fields: Record<string, string> = Object.create(null) as Record<string, string>;
  let file: Buffer | undefined;
  let fileName: string | undefined;
  try {
    for await (const part of request.parts()) {
      if (part.type === 'field') {
        if (part.valueTruncated || part.fieldnameTruncated) throw new TruncatedField();
        fields[part.fieldname] = String(part.value);
      } else {
        const bytes = await part.toBuffer();
        if (part.fieldname === fileField && bytes.length > 0) {
          file = bytes;
          fileName = part.filename;
        }
      }
    }
  } catch (error) {
    if ((error as { code?: unknown }).code === 'FST_REQ_FILE_TOO_LARGE') {
      throw invalidField(fileField, tooLarge);
    }
    throw refusalOf(error);
  }
  return { fields, file, fileName };
}

/** The picture of a request that has to have one. Refuses as readUpload, and validation_failed. */
export async function readPicture(request: FastifyRequest): Promise<Buffer> {
  const { picture } = await readUpload(request);
  if (picture !== undefined) return picture;
  throw invalidField(pictureField, {
    id: 'Pilih satu foto untuk diunggah.',
    en: 'Choose a picture to upload.',
  });
}

class TruncatedField extends Error {}

function refusalOf(error: unknown): unknown {
  const { statusCode } = error as { statusCode?: unknown };
  if (error instanceof TruncatedField || statusCode === 413) {
    return new DomainError('payload_too_large', { maximum_bytes: pictureLimitBytes });
  }
  if (statusCode !== undefined) return error;
  // What the parser says of a body that is no form, or that was cut off on its way.
  return new DomainError('malformed_request', {});
}
