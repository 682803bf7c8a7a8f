-- +goose Up
-- Conventions: times are milliseconds since 1970 in UTC, ids are lower-case
-- UUIDs in text, secrets are stored as SHA-256 in hexadecimal or sealed. Every
-- row belongs to a tenant, and every key starts with it.

CREATE TABLE meta (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

CREATE TABLE tenants (
    id         TEXT PRIMARY KEY,
    created_at BIGINT NOT NULL
);

-- Whoever a request can act as. Whether they may act at all is said here, once.
CREATE TABLE principals (
    tenant       TEXT   NOT NULL REFERENCES tenants (id),
    id           TEXT   NOT NULL,
    kind         TEXT   NOT NULL,
    display_name TEXT   NOT NULL,
    disabled_at  BIGINT,
    created_at   BIGINT NOT NULL,
    updated_at   BIGINT NOT NULL,
    PRIMARY KEY (tenant, id)
);

-- What only humans have. short_id is the first eight hex digits of id: Matrix
-- names are derived from it, so no two users may share one.
CREATE TABLE users (
    tenant         TEXT   NOT NULL,
    id             TEXT   NOT NULL,
    number         BIGINT NOT NULL,
    short_id       TEXT   NOT NULL,
    email          TEXT,
    email_key      TEXT,
    email_verified BIGINT,
    username       TEXT,
    username_key   TEXT,
    avatar_url     TEXT   NOT NULL,
    locale         TEXT   NOT NULL,
    timezone       TEXT   NOT NULL,
    matrix_user_id TEXT,
    PRIMARY KEY (tenant, id),
    FOREIGN KEY (tenant, id) REFERENCES principals (tenant, id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX users_number ON users (tenant, number);
CREATE UNIQUE INDEX users_short_id ON users (tenant, short_id);
CREATE UNIQUE INDEX users_email_key ON users (tenant, email_key);
CREATE UNIQUE INDEX users_username_key ON users (tenant, username_key);
CREATE UNIQUE INDEX users_matrix_user_id ON users (tenant, matrix_user_id);

CREATE TABLE counters (
    tenant TEXT   NOT NULL,
    name   TEXT   NOT NULL,
    value  BIGINT NOT NULL,
    PRIMARY KEY (tenant, name)
);

CREATE TABLE roles (
    tenant      TEXT NOT NULL,
    id          TEXT NOT NULL,
    description TEXT NOT NULL,
    PRIMARY KEY (tenant, id)
);

CREATE TABLE role_grants (
    tenant     TEXT   NOT NULL,
    principal  TEXT   NOT NULL,
    role       TEXT   NOT NULL,
    granted_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, principal, role),
    FOREIGN KEY (tenant, principal) REFERENCES principals (tenant, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant, role) REFERENCES roles (tenant, id)
);
CREATE INDEX role_grants_role ON role_grants (tenant, role);

-- A password has the verifier of factor/password; a key, which is long and
-- random, its SHA-256. must_change is a password that somebody else chose:
-- it lets its owner in to set their own, until expires_at.
CREATE TABLE credentials (
    tenant      TEXT    NOT NULL,
    id          TEXT    NOT NULL,
    principal   TEXT    NOT NULL,
    kind        TEXT    NOT NULL,
    verifier    TEXT    NOT NULL,
    label       TEXT    NOT NULL,
    must_change BOOLEAN NOT NULL DEFAULT FALSE,
    expires_at  BIGINT,
    created_at  BIGINT  NOT NULL,
    updated_at  BIGINT  NOT NULL,
    used_at     BIGINT,
    PRIMARY KEY (tenant, id),
    FOREIGN KEY (tenant, principal) REFERENCES principals (tenant, id) ON DELETE CASCADE
);
CREATE INDEX credentials_principal ON credentials (tenant, principal, kind);
CREATE UNIQUE INDEX credentials_one_password ON credentials (tenant, principal) WHERE kind = 'password';
CREATE UNIQUE INDEX credentials_one_key ON credentials (tenant, principal) WHERE kind = 'key';

-- A session and the head of its chain of refresh tokens. A refresh is one
-- UPDATE of this row that touches no index: the presented token has to be
-- refresh_digest, becomes refresh_previous, and its successor is kept sealed for
-- who can show the presented one again.
CREATE TABLE sessions (
    tenant             TEXT   NOT NULL,
    id                 TEXT   NOT NULL,
    principal          TEXT   NOT NULL,
    client             TEXT   NOT NULL,
    ip                 TEXT   NOT NULL,
    user_agent         TEXT   NOT NULL,
    created_at         BIGINT NOT NULL,
    expires_at         BIGINT NOT NULL,
    ended_at           BIGINT,
    end_reason         TEXT   NOT NULL DEFAULT '',
    refresh_digest     TEXT   NOT NULL,
    refresh_expires_at BIGINT NOT NULL,
    refresh_previous   TEXT   NOT NULL DEFAULT '',
    refresh_sealed     TEXT   NOT NULL DEFAULT '',
    refreshed_at       BIGINT,
    org                TEXT   NOT NULL DEFAULT '',
    PRIMARY KEY (tenant, id),
    FOREIGN KEY (tenant, principal) REFERENCES principals (tenant, id) ON DELETE CASCADE
);
CREATE INDEX sessions_principal ON sessions (tenant, principal, ip);
CREATE INDEX sessions_expires_at ON sessions (tenant, expires_at);

-- Audit. Events form chains (lanes), one writer at a time in each, so that
-- writers do not wait for each other; every event's hash covers the one before
-- it in its lane.
CREATE TABLE events (
    tenant    TEXT   NOT NULL,
    lane      TEXT   NOT NULL,
    seq       BIGINT NOT NULL,
    id        TEXT   NOT NULL,
    at        BIGINT NOT NULL,
    name      TEXT   NOT NULL,
    actor     TEXT   NOT NULL,
    subject   TEXT   NOT NULL,
    session   TEXT   NOT NULL,
    client    TEXT   NOT NULL,
    ip        TEXT   NOT NULL,
    request   TEXT   NOT NULL,
    detail    TEXT   NOT NULL,
    hash      TEXT   NOT NULL,
    PRIMARY KEY (tenant, lane, seq)
);
CREATE INDEX events_at ON events (tenant, at);
CREATE INDEX events_subject ON events (tenant, subject, at);

-- Work that must survive a crash, written in the transaction of the deed that
-- asks for it. done_at and dead_at are final.
CREATE TABLE outbox (
    tenant       TEXT   NOT NULL,
    id           TEXT   NOT NULL,
    kind         TEXT   NOT NULL,
    subject      TEXT   NOT NULL,
    payload      TEXT   NOT NULL,
    created_at   BIGINT NOT NULL,
    run_at       BIGINT NOT NULL,
    leased_until BIGINT NOT NULL DEFAULT 0,
    attempts     BIGINT NOT NULL DEFAULT 0,
    done_at      BIGINT,
    dead_at      BIGINT,
    last_error   TEXT   NOT NULL DEFAULT '',
    PRIMARY KEY (tenant, id)
);
CREATE INDEX outbox_due ON outbox (tenant, run_at) WHERE done_at IS NULL AND dead_at IS NULL;
CREATE INDEX outbox_subject ON outbox (tenant, subject, kind);
CREATE INDEX outbox_done ON outbox (tenant, done_at) WHERE done_at IS NOT NULL;

-- GCRA limiters: tat is the theoretical arrival time.
CREATE TABLE limits (
    tenant TEXT   NOT NULL,
    name   TEXT   NOT NULL,
    tat    BIGINT NOT NULL,
    PRIMARY KEY (tenant, name)
);
CREATE INDEX limits_tat ON limits (tenant, tat);

CREATE TABLE signing_keys (
    tenant     TEXT   NOT NULL,
    kid        TEXT   NOT NULL,
    algorithm  TEXT   NOT NULL,
    public     TEXT   NOT NULL,
    private    TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    retired_at BIGINT,
    PRIMARY KEY (tenant, kid)
);
CREATE UNIQUE INDEX signing_keys_current ON signing_keys (tenant, algorithm) WHERE retired_at IS NULL;

-- Links and codes that work once.
CREATE TABLE one_time_tokens (
    tenant     TEXT   NOT NULL,
    digest     TEXT   NOT NULL,
    purpose    TEXT   NOT NULL,
    subject    TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at    BIGINT,
    PRIMARY KEY (tenant, digest)
);
CREATE INDEX one_time_tokens_expires_at ON one_time_tokens (tenant, expires_at);

-- Households, workspaces and other circles of people. A role in one counts
-- there and nowhere else.
CREATE TABLE orgs (
    tenant     TEXT   NOT NULL REFERENCES tenants (id),
    id         TEXT   NOT NULL,
    kind       TEXT   NOT NULL,
    name       TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, id)
);
CREATE INDEX orgs_name ON orgs (tenant, kind, name, id);

CREATE TABLE memberships (
    tenant     TEXT   NOT NULL,
    org        TEXT   NOT NULL,
    principal  TEXT   NOT NULL,
    role       TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, org, principal),
    FOREIGN KEY (tenant, org) REFERENCES orgs (tenant, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant, principal) REFERENCES principals (tenant, id) ON DELETE CASCADE
);
CREATE INDEX memberships_principal ON memberships (tenant, principal);

-- The only way into an org that one did not found. The code is found by its
-- digest and shown again to members, so it is also kept sealed.
CREATE TABLE invitations (
    tenant      TEXT   NOT NULL,
    id          TEXT   NOT NULL,
    number      BIGINT NOT NULL,
    org         TEXT   NOT NULL,
    code_digest TEXT   NOT NULL,
    code_sealed TEXT   NOT NULL,
    role        TEXT   NOT NULL,
    created_by  TEXT   NOT NULL,
    max_uses    BIGINT,
    use_count   BIGINT NOT NULL DEFAULT 0,
    created_at  BIGINT NOT NULL,
    expires_at  BIGINT NOT NULL,
    revoked_at  BIGINT,
    PRIMARY KEY (tenant, id),
    FOREIGN KEY (tenant, org) REFERENCES orgs (tenant, id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX invitations_number ON invitations (tenant, number);
CREATE UNIQUE INDEX invitations_code ON invitations (tenant, code_digest);
CREATE INDEX invitations_org ON invitations (tenant, org, number);

-- Services and devices. Their key is a credential of kind "key"; name is what
-- they call themselves by, display_name of the principal what people do.
-- Both may have an owner, a user or an org, without whom they are nobody: then
-- their row goes, and a principal of these kinds without its row may do nothing.
CREATE TABLE apps (
    tenant     TEXT   NOT NULL,
    id         TEXT   NOT NULL,
    name       TEXT   NOT NULL,
    rotated_at BIGINT,
    owner_user TEXT,
    owner_org  TEXT,
    PRIMARY KEY (tenant, id),
    FOREIGN KEY (tenant, id) REFERENCES principals (tenant, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant, owner_user) REFERENCES users (tenant, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant, owner_org) REFERENCES orgs (tenant, id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX apps_name ON apps (tenant, name);
CREATE INDEX apps_owner_user ON apps (tenant, owner_user) WHERE owner_user IS NOT NULL;
CREATE INDEX apps_owner_org ON apps (tenant, owner_org) WHERE owner_org IS NOT NULL;

-- AI agents, which act for themselves within what their owner may do.
CREATE TABLE agents (
    tenant     TEXT NOT NULL,
    id         TEXT NOT NULL,
    name       TEXT NOT NULL,
    owner_user TEXT,
    owner_org  TEXT,
    PRIMARY KEY (tenant, id),
    FOREIGN KEY (tenant, id) REFERENCES principals (tenant, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant, owner_user) REFERENCES users (tenant, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant, owner_org) REFERENCES orgs (tenant, id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX agents_name ON agents (tenant, name);
CREATE INDEX agents_owner_user ON agents (tenant, owner_user) WHERE owner_user IS NOT NULL;
CREATE INDEX agents_owner_org ON agents (tenant, owner_org) WHERE owner_org IS NOT NULL;

-- Keys that stand for a principal of any kind, as far as their scopes reach. A
-- key is long and random, so its SHA-256 is enough to find it by; preview is
-- the part of it that its owner recognizes it by.
CREATE TABLE api_keys (
    tenant     TEXT   NOT NULL,
    id         TEXT   NOT NULL,
    principal  TEXT   NOT NULL,
    digest     TEXT   NOT NULL,
    preview    TEXT   NOT NULL,
    label      TEXT   NOT NULL,
    scopes     TEXT   NOT NULL,
    created_by TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    used_at    BIGINT,
    revoked_at BIGINT,
    PRIMARY KEY (tenant, id),
    FOREIGN KEY (tenant, principal) REFERENCES principals (tenant, id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX api_keys_digest ON api_keys (tenant, digest);
CREATE INDEX api_keys_principal ON api_keys (tenant, principal, created_at);

-- Public keys of authenticators (W3C Web Authentication). Nothing in it is
-- secret; flags and counter change with every use.
CREATE TABLE passkeys (
    tenant          TEXT    NOT NULL,
    id              TEXT    NOT NULL,
    principal       TEXT    NOT NULL,
    credential_id   TEXT    NOT NULL,
    public_key      TEXT    NOT NULL,
    sign_count      BIGINT  NOT NULL,
    aaguid          TEXT    NOT NULL,
    transports      TEXT    NOT NULL,
    backup_eligible BOOLEAN NOT NULL,
    backed_up       BOOLEAN NOT NULL,
    attestation     TEXT    NOT NULL,
    label           TEXT    NOT NULL,
    created_at      BIGINT  NOT NULL,
    used_at         BIGINT,
    PRIMARY KEY (tenant, id),
    FOREIGN KEY (tenant, principal) REFERENCES principals (tenant, id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX passkeys_credential_id ON passkeys (tenant, credential_id);
CREATE INDEX passkeys_principal ON passkeys (tenant, principal);

-- Accounts at upstream providers. The issuer and the subject say whose; the
-- address is what the provider last said, and decides nothing.
CREATE TABLE identities (
    tenant         TEXT    NOT NULL,
    id             TEXT    NOT NULL,
    principal      TEXT    NOT NULL,
    connector      TEXT    NOT NULL,
    issuer         TEXT    NOT NULL,
    subject        TEXT    NOT NULL,
    email          TEXT    NOT NULL,
    email_verified BOOLEAN NOT NULL,
    created_at     BIGINT  NOT NULL,
    used_at        BIGINT  NOT NULL,
    PRIMARY KEY (tenant, id),
    FOREIGN KEY (tenant, principal) REFERENCES users (tenant, id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX identities_subject ON identities (tenant, issuer, subject);
CREATE INDEX identities_principal ON identities (tenant, principal);

-- Browsers that are away at a provider. state and browser are digests of what
-- the two must bring back; session or refusal is what came of it.
CREATE TABLE flows (
    tenant      TEXT   NOT NULL,
    state       TEXT   NOT NULL,
    browser     TEXT   NOT NULL,
    connector   TEXT   NOT NULL,
    principal   TEXT,
    destination TEXT   NOT NULL,
    created_at  BIGINT NOT NULL,
    expires_at  BIGINT NOT NULL,
    used_at     BIGINT,
    session     TEXT,
    refusal     TEXT   NOT NULL,
    PRIMARY KEY (tenant, state),
    FOREIGN KEY (tenant, principal) REFERENCES users (tenant, id) ON DELETE CASCADE
);
CREATE INDEX flows_expires_at ON flows (tenant, expires_at);
CREATE INDEX flows_principal ON flows (tenant, principal) WHERE principal IS NOT NULL;

CREATE TABLE nodes (
    tenant        TEXT NOT NULL,
    id            TEXT NOT NULL,
    name          TEXT NOT NULL,
    org           TEXT NOT NULL,
    registered_by TEXT,
    rotated_at    BIGINT,
    PRIMARY KEY (tenant, id),
    FOREIGN KEY (tenant, id) REFERENCES principals (tenant, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant, org) REFERENCES orgs (tenant, id)
);
CREATE UNIQUE INDEX nodes_name ON nodes (tenant, name);
CREATE INDEX nodes_org ON nodes (tenant, org);
CREATE INDEX nodes_registered_by ON nodes (tenant, registered_by);

-- Which services a node may be let in to.
CREATE TABLE node_services (
    tenant     TEXT   NOT NULL,
    node       TEXT   NOT NULL,
    service    TEXT   NOT NULL,
    granted_at BIGINT NOT NULL,
    granted_by TEXT   NOT NULL,
    PRIMARY KEY (tenant, node, service),
    FOREIGN KEY (tenant, node) REFERENCES nodes (tenant, id) ON DELETE CASCADE
);

INSERT INTO tenants (id, created_at) VALUES ('main', 0);
INSERT INTO roles (tenant, id, description) VALUES
    ('main', 'user', 'Everybody with an account'),
    ('main', 'admin', 'May administer the tenant'),
    ('main', 'agent-system', 'System agents'),
    ('main', 'provider', 'Offers something on a platform'),
    ('main', 'renter', 'Rents something on a platform');
