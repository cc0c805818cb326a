import { exitCodes, type Command } from './command.ts';

export const seedDemo: Command = {
  summary: 'fill the database with a small Indonesian perfume market',
  usage: '',
  options: {},
  run: async () => exitCodes.failed,
};
