import type { Logger } from 'pino';
import type { SignInDeps } from '../accounts/sign-in/sign-in.ts';
import type { Config } from '../config/config.ts';
import type { KeptForms } from '../http/kept-form.ts';
import type { Authenticator } from '../identity/authenticate.ts';
import type { StatementImporter } from '../ledger/bank-statements/importer.ts';
import type { Scheduler } from '../lifecycle/scheduler.ts';
import type { Mailer } from '../mail/mailer.ts';
import type { UnsubscribeTokens } from '../notifications/unsubscribe.ts';
import type { DatabaseDeps } from '../database/pool.ts';
import type { RateLimiter } from '../overload/rate-limiter.ts';
import type { JoinDeps } from '../participations/count-joins.ts';
import type { SumTrees } from '../public-log/sum-trees.ts';
import type { GatewayDeps } from '../ledger/gateway/deps.ts';

/** Dependencies of the pages. */
export interface PageDeps extends DatabaseDeps, JoinDeps {
  readonly config: Config;
  readonly log: Logger;
  readonly scheduler: Scheduler;
  readonly payments: GatewayDeps;
  readonly importer: StatementImporter;
  readonly authenticate: Authenticator;
  readonly signIn: SignInDeps;
  readonly keptForms: KeptForms;
  readonly mailer: Mailer;
  readonly limiter: RateLimiter;
  readonly budget: SignInDeps['budget'];
  readonly unsubscribeTokens: UnsubscribeTokens;
  readonly outboxPath: string;
  readonly siteUrl: string;
  readonly sumTrees: SumTrees;
}
