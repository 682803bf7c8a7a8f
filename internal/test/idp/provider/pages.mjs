// The provider's own pages, for a browser or for whoever posts their forms.
import { failing, subject } from './accounts.mjs';

export function page(title, content) {
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>${escape(title)}</title><h1>${escape(title)}</h1>${content}</html>`;
}

export function escape(text) {
  return String(text).replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
}

// logoutPage asks what RP-initiated logout must ask; form is oidc-provider's.
export function logoutPage(form) {
  return page('Sign out?', `${form}
<button type="submit" form="op.logoutForm" name="logout" value="yes">Yes</button>
<button type="submit" form="op.logoutForm">No</button>`);
}

const loginForm = `<form method="post">
<input name="login" aria-label="Login" required autofocus>
<button type="submit">Continue</button>
</form>`;

const consentForm = `<form method="post">
<button type="submit" name="consent" value="allow">Allow</button>
<button type="submit" name="consent" value="deny">Deny</button>
</form>`;

// interact shows the page that an authorization waits for, or takes its form.
export async function interact(provider, accounts, request, response) {
  const details = await provider.interactionDetails(request, response);
  const form = request.method === 'POST' ? await readForm(request) : undefined;
  const finish = (result) => provider.interactionFinished(request, response, result);
  const show = (status, title, content) => {
    response.writeHead(status, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' });
    response.end(page(title, content));
  };

  if (details.prompt.name === 'login') {
    const login = form?.get('login');
    if (!form) {
      return show(200, 'Sign in', loginForm);
    }
    if (login === failing) {
      return finish({ error: 'server_error', error_description: 'this account always fails' });
    }
    if (!accounts.has(login)) {
      return show(400, 'Sign in', `<p>No such account.</p>${loginForm}`);
    }
    return finish({ login: { accountId: subject(login) } });
  }
  if (!form) {
    const scope = escape(details.params.scope ?? '');
    return show(200, `Let ${details.params.client_id} in?`, `<p>It asks for: ${scope}</p>${consentForm}`);
  }
  if (form.get('consent') !== 'allow') {
    return finish({ error: 'access_denied', error_description: 'the user said no' });
  }
  return finish({ consent: { grantId: await grant(provider, details) } });
}

async function grant(provider, { grantId, session, params, prompt }) {
  const given = grantId
    ? await provider.Grant.find(grantId)
    : new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
  given.addOIDCScope((prompt.details.missingOIDCScope ?? []).join(' '));
  given.addOIDCClaims(prompt.details.missingOIDCClaims ?? []);
  return given.save();
}

async function readForm(request) {
  return new URLSearchParams(await readText(request));
}

export async function readText(request) {
  const chunks = [];
  for await (const chunk of request) {
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}
