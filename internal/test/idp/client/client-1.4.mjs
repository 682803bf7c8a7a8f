export { createAuthClient } from 'better-auth-1.4/client';
export { genericOAuthClient, twoFactorClient } from 'better-auth-1.4/client/plugins';
export { passkeyClient } from 'passkey-1.4/client';
