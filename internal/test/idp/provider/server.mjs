// A real OpenID provider for tests, with a lever for whatever can go wrong.
//
//   IDP_PORT           where to listen on 127.0.0.1; 0 takes any
//   IDP_CLIENTS        [{"client_id", "client_secret", "redirect_uris", ...}]: client metadata
//   IDP_ACCOUNTS       {"login": {claims}}: accounts beside those of accounts.mjs, or instead of them
//   IDP_USERINFO_ONLY  1 leaves e-mail and profile out of the ID token
//
// It prints "issuer URL" when it is ready, and ends with its standard input.
import { createServer } from 'node:http';
import { Accounts } from './accounts.mjs';
import { interact, readText } from './pages.mjs';
import { build, newKeys, routes } from './provider.mjs';

const clients = JSON.parse(process.env.IDP_CLIENTS || '[]');
const accounts = new Accounts(JSON.parse(process.env.IDP_ACCOUNTS || '{}'));
const userinfoOnly = process.env.IDP_USERINFO_ONLY === '1';
let keys = newKeys();
let issuer;
let provider;
let answer;

function rebuild() {
  provider = build({ issuer, keys, clients, accounts, userinfoOnly });
  answer = provider.callback();
}

const troubles = new Map(); // 'away' or 'hang', by endpoint
const requests = {}; // how many, by endpoint
let back = Promise.withResolvers(); // those who hang wait for it

const endpoints = Object.entries({ discovery: '/.well-known/openid-configuration', interaction: '/interaction', ...routes });

function endpointOf(path) {
  const found = endpoints.find(([, at]) => path === at || path.startsWith(`${at}/`));
  return found ? found[0] : 'other';
}

// Each takes what was posted and says what is to be answered.
const levers = {
  keys: ({ keep }) => {
    keys = keep ? [...newKeys(), ...keys] : newKeys();
    rebuild();
  },
  client: (added) => {
    clients.push(added);
    rebuild();
  },
  account: ({ login, claims }) => {
    accounts.set(login, claims);
    rebuild(); // for it knows the names of all claims
  },
  trouble: ({ kind, endpoints: names }) => {
    const known = new Set(['all', 'other', ...endpoints.map(([name]) => name)]);
    for (const name of names) {
      if (!known.has(name)) {
        throw new Error(`no endpoint ${name}`);
      }
      troubles.set(name, kind);
    }
  },
  back: () => {
    troubles.clear();
    back.resolve();
    back = Promise.withResolvers();
  },
  requests: () => requests,
};

async function control(name, request, response) {
  try {
    const result = levers[name](JSON.parse((await readText(request)) || '{}'));
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(result ?? {}));
  } catch (error) {
    response.writeHead(400).end(String(error));
  }
}

async function handle(request, response) {
  const path = new URL(request.url, issuer).pathname;
  if (path.startsWith('/control/')) {
    return control(path.slice('/control/'.length), request, response);
  }
  const endpoint = endpointOf(path);
  requests[endpoint] = (requests[endpoint] ?? 0) + 1;
  const trouble = troubles.get(endpoint) ?? troubles.get('all');
  if (trouble === 'away') {
    return response.writeHead(503).end('away');
  }
  if (trouble === 'hang') {
    await back.promise;
  }
  if (endpoint === 'interaction') {
    return interact(provider, accounts, request, response);
  }
  return answer(request, response);
}

const server = createServer((request, response) => {
  handle(request, response).catch((error) => {
    console.error(error);
    if (!response.headersSent) {
      response.writeHead(error.statusCode ?? 500);
    }
    response.end(String(error));
  });
});
server.listen(Number(process.env.IDP_PORT || 0), '127.0.0.1', () => {
  issuer = `http://127.0.0.1:${server.address().port}`;
  rebuild();
  console.log(`issuer ${issuer}`);
});

process.stdin.resume().on('end', () => process.exit());
