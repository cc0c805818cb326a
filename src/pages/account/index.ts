import type { PageDeps } from '../deps.ts';
import type { PagePlugin } from '../../http/page-response.ts';
import { addressPages } from './addresses.ts';
import { namePages } from './name.ts';
import { messageSettingPages } from './message-settings.ts';
import { messagePages } from './messages.ts';
import { outboxPages } from './outbox.ts';
import { profilePages } from './profile.ts';
import { refundAccountPages } from './refund-account.ts';
import { securityPages } from './security.ts';
import { signInFactorPages } from './sign-in-mfa.ts';
import { signInPages } from './sign-in.ts';

/**
 * Registers the account pages: sign-in, sign-out, profile, second factor, saved addresses, refund
 * account and notifications.
 */
export function accountPages(app: PageDeps): PagePlugin {
  return async (server) => {
    await server.register(signInPages(app));
    await server.register(signInFactorPages(app));
    await server.register(namePages(app));
    await server.register(profilePages(app));
    await server.register(securityPages(app));
    await server.register(addressPages(app));
    await server.register(refundAccountPages(app));
    await server.register(messagePages(app));
    await server.register(messageSettingPages(app));
    await server.register(outboxPages(app));
  };
}
