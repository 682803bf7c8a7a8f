-- +goose Up
-- Row-level security is the second wall between tenants; SQLite has none, so
-- this number is a pair. A transaction names its tenant with
-- set_config('gatehouse.tenant', …, true). On a pooled connection the setting
-- reads '' (not NULL) afterwards, hence NULLIF: no tenant, no rows.

-- +goose StatementBegin
DO $$
DECLARE
    name TEXT;
BEGIN
    FOREACH name IN ARRAY ARRAY[
        'principals', 'users', 'counters', 'roles', 'role_grants', 'credentials', 'sessions',
        'events', 'outbox', 'limits', 'signing_keys', 'one_time_tokens',
        'orgs', 'memberships', 'invitations', 'apps', 'nodes', 'node_services',
        'agents', 'api_keys', 'passkeys', 'identities', 'flows']
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY tenant_wall ON %I USING (tenant = NULLIF(current_setting(''gatehouse.tenant'', true), ''''))', name);
    END LOOP;
END
$$;
-- +goose StatementEnd

-- A refresh rewrites a session's row without touching an index. Room on the
-- page lets the new version stay on it (heap-only tuples), so that it does not.
ALTER TABLE sessions SET (fillfactor = 50);
