import { exitCodes, type Command } from './command.ts';

export const demo: Command = {
  summary: 'serve a demo market with simulated buyers who keep joining',
  usage: '',
  options: {},
  run: async () => exitCodes.failed,
};
