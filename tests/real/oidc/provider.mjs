// An OpenID provider that behaves as EGI Check-in does where that matters to those who trust it:
// access tokens are JWTs without `aud` and without entitlements; rights are told at userinfo only, under both claim names.
//
// oidc-provider 8 and not 9, which needs a newer Node.js than Debian 12 has (18).
//
// node provider.mjs FOLDER: reads FOLDER/settings.json (port, keys, users), writes FOLDER/ready when it listens.
// Routes under /tests are the tests' own: they change keys and users, and count what was asked.
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const folder = process.argv[2];
const settings = JSON.parse(fs.readFileSync(path.join(folder, 'settings.json')));
const installed = createRequire(path.join(settings.modules, 'package.json'));
const load = async (name) => import(pathToFileURL(installed.resolve(name)));
const { default: Provider } = await load('oidc-provider');
const { SignJWT, createLocalJWKSet, decodeJwt, importJWK, jwtVerify } = await load('jose');

const issuer = `http://127.0.0.1:${settings.port}`;
const { users, keys } = settings;
const counts = { userinfo: 0, jwks: 0, token: 0 };
const SCOPES = ['openid', 'offline_access', 'profile', 'email', 'voperson_id', 'eduperson_entitlement', 'entitlements'];
let signing = keys[0];

const publicOf = ({ kty, n, e, kid, use, alg }) => ({ kty, n, e, kid, use, alg });
const subject = (id) => createHash('sha256').update(id).digest('hex');
const known = (sub) => Object.keys(users).find((id) => id === sub || subject(id) === sub);
const identity = (id) => ({ sub: id, voperson_id: id, name: users[id].name, email: id, email_verified: true });
const rights = (id) => ({ eduperson_entitlement: users[id].entitlements, entitlements: users[id].entitlements });

async function asCheckIn(token) {
  const { aud, client_id: azp, ...rest } = decodeJwt(token);
  return new SignJWT({ ...rest, azp, typ: 'Bearer' })
    .setProtectedHeader({ alg: 'RS256', typ: 'JWT', kid: signing.kid })
    .sign(await importJWK(signing, 'RS256'));
}

function made() {
  const provider = new Provider(issuer, {
    jwks: { keys: [signing] },
    clients: [
      {
        client_id: 'hanse', subject_type: 'pairwise', client_secret: settings.secret, application_type: 'native', redirect_uris: ['http://127.0.0.1/callback'],
        grant_types: ['authorization_code', 'refresh_token'], response_types: ['code'],
      },
      {
        client_id: 'hanse-cli', token_endpoint_auth_method: 'none', application_type: 'native', redirect_uris: [], response_types: [],
        grant_types: ['urn:ietf:params:oauth:grant-type:device_code', 'refresh_token'],
      },
    ],
    cookies: { keys: ['of the tests'] },
    scopes: SCOPES,
    claims: {
      openid: ['sub'], profile: ['name'], email: ['email', 'email_verified'], voperson_id: ['voperson_id'],
      eduperson_entitlement: ['eduperson_entitlement'], entitlements: ['entitlements'],
    },
    conformIdTokenClaims: false,
    subjectTypes: ['public', 'pairwise'],
    pairwiseIdentifier: (_ctx, id) => subject(id),
    pkce: { required: () => true },
    ttl: { AccessToken: () => settings.seconds, DeviceCode: () => 600, RefreshToken: () => 86400 },
    issueRefreshToken: async () => true,
    features: {
      deviceFlow: { enabled: true },
      resourceIndicators: {
        enabled: true, defaultResource: () => 'urn:hanse:tests', useGrantedResource: () => true,
        getResourceServerInfo: (_ctx, audience) => ({
          scope: SCOPES.join(' '), audience, accessTokenTTL: settings.seconds, accessTokenFormat: 'jwt', jwt: { sign: { alg: 'RS256' } },
        }),
      },
    },
    findAccount: (_ctx, id) => users[id] && {
      accountId: id, claims: (use) => (use === 'id_token' ? identity(id) : { ...identity(id), ...rights(id) }),
    },
  });
  for (const event of ['authorization.error', 'grant.error', 'server_error']) {
    provider.on(event, (_ctx, error) => console.error(event, error.message, error.error_detail ?? error.stack));
  }
  provider.use(async (ctx, next) => {
    if (ctx.path !== '/me') {
      if (ctx.path === '/jwks') counts.jwks += 1;
      if (ctx.path === '/token') counts.token += 1;
      await next();
      if (ctx.path === '/device/auth' && ctx.body?.device_code) ctx.body = { ...ctx.body, interval: 1 };
      const given = ctx.path === '/token' && ctx.body?.access_token;
      if (given && given.split('.').length === 3) ctx.body = { ...ctx.body, access_token: await asCheckIn(given) };
      return;
    }
    counts.userinfo += 1;
    const token = (ctx.get('authorization') || '').replace(/^Bearer /, '');
    try {
      const { payload } = await jwtVerify(token, createLocalJWKSet({ keys: keys.map(publicOf) }), { issuer });
      const id = known(payload.sub);
      ctx.body = { ...identity(id), ...rights(id), sub: payload.sub };
    } catch {
      ctx.status = 401;
      ctx.body = { error: 'invalid_token' };
    }
  });
  return provider.callback();
}

let answer = made();
const tests = {
  '/tests/rotate': () => { signing = keys[(keys.indexOf(signing) + 1) % keys.length]; answer = made(); return { kid: signing.kid }; },
  '/tests/user': (given) => { users[given.get('id')].entitlements = given.getAll('entitlement'); return {}; },
  '/tests/counts': () => counts,
};
http.createServer((request, response) => {
  const url = new URL(request.url, issuer);
  const asked = tests[url.pathname];
  if (!asked) return answer(request, response);
  response.setHeader('content-type', 'application/json');
  return response.end(JSON.stringify(asked(url.searchParams)));
}).listen(settings.port, '127.0.0.1', () => fs.writeFileSync(path.join(folder, 'ready'), issuer));
