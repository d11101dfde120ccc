CREATE TABLE accounts (
    account_id uuid PRIMARY KEY,
    key_hash bytea NOT NULL UNIQUE
);
CREATE TABLE quotas (
    account_id uuid NOT NULL REFERENCES accounts,
    day date NOT NULL,
    held int NOT NULL DEFAULT 0,
    used int NOT NULL DEFAULT 0,
    allowed int NOT NULL,
    PRIMARY KEY (account_id, day),
    CHECK (held >= 0 AND used >= 0 AND held + used <= allowed)
);
CREATE TABLE tasks (
    task_id uuid PRIMARY KEY,
    account_id uuid NOT NULL REFERENCES accounts,
    idempotency_key text NOT NULL,
    body_hash text NOT NULL,
    body jsonb NOT NULL,
    status text NOT NULL DEFAULT 'queued',
    result jsonb,
    day date NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    started_at timestamptz,
    finished_at timestamptz,
    UNIQUE (account_id, idempotency_key)
);
CREATE INDEX tasks_of_account ON tasks (account_id, created_at);
