// Runs a writer of the public log on the database of the first argument, until it is killed.
import { openDatabase } from '../../../src/database/pool.ts';
import { createLogWriter } from '../builders/public-log.ts';
import { recordingLog } from './log.ts';

const [, , url = ''] = process.argv;
const { writer, changeNotifier } = createLogWriter(openDatabase({ url, log: recordingLog() }));
await changeNotifier.start();
writer.start();
