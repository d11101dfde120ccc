-- Read models: derived from the log, dropped and rebuilt whenever this file changes.
-- No foreign keys between tables: they are fed by different topics, each at its own pace.
-- Every row keeps the shard_seq of the last event it holds, so that all tables can be cut at one point of the log.

CREATE SCHEMA read_models;

CREATE TABLE read_models.projection_cursors (
    topic         text        NOT NULL,
    partition     integer     NOT NULL,
    partition_seq bigint      NOT NULL DEFAULT 0,  -- last record held
    shard_seq     bigint      NOT NULL DEFAULT 0,
    next_offset   bigint      NOT NULL DEFAULT 0,  -- where to read on
    undecodable   bigint      NOT NULL DEFAULT 0,  -- records set aside since the last one held
    cluster_id    text        NOT NULL DEFAULT '',
    topic_id      text        NOT NULL DEFAULT '',
    updated_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (topic, partition)
);

-- Rows that a check by sample found not to be what the log says; a rebuild begins with none.
CREATE TABLE read_models.projection_drift (
    relation text        NOT NULL,
    key      text        NOT NULL,  -- the primary key, its columns joined by /
    columns  text[]      NOT NULL,
    found_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (relation, key)
);

CREATE TABLE read_models.tasks (
    task_id       text        PRIMARY KEY,
    account_id    text        NOT NULL,
    request_id    text        NOT NULL,
    body_hash     text        NOT NULL,
    kind          text        NOT NULL,
    status        text        NOT NULL,
    state         text        NOT NULL,
    ending        text        NOT NULL,
    tier          text        NOT NULL,
    priority      integer     NOT NULL,
    project       text        NOT NULL,
    entity_id     text        NOT NULL,
    retry_of      text        NOT NULL,
    character_ids jsonb       NOT NULL,
    stages        jsonb       NOT NULL,
    outputs       jsonb       NOT NULL,
    problem       jsonb,
    estimated_ms  bigint      NOT NULL,
    progress      smallint    NOT NULL CHECK (progress BETWEEN 0 AND 100),
    cached        boolean     NOT NULL,
    cached_from   text        NOT NULL,
    held          boolean     NOT NULL,
    created_at    timestamptz NOT NULL,
    started_at    timestamptz,
    finished_at   timestamptz,
    deadline      timestamptz,
    sealed        bytea       NOT NULL,
    sequence      bigint      NOT NULL,
    account_seq   bigint      NOT NULL,
    shard_seq     bigint      NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX tasks_by_account ON read_models.tasks (account_id, created_at DESC, task_id DESC) WHERE state <> 'rejected';
CREATE INDEX tasks_waiting ON read_models.tasks (priority DESC, created_at, task_id)
    WHERE state IN ('queued', 'retrying') AND NOT held;

CREATE TABLE read_models.task_results (
    task_id   text   NOT NULL,
    stage_id  text   NOT NULL,
    sealed    bytea  NOT NULL,
    shard_seq bigint NOT NULL,
    PRIMARY KEY (task_id, stage_id)
);

CREATE TABLE read_models.task_events (
    task_id     text        NOT NULL,
    sequence    bigint      NOT NULL,
    account_id  text        NOT NULL,
    account_seq bigint      NOT NULL,
    shard_seq   bigint      NOT NULL,
    type        text        NOT NULL,
    occurred_at timestamptz NOT NULL,
    detail      jsonb       NOT NULL,
    PRIMARY KEY (task_id, sequence)
);
CREATE INDEX task_events_by_account ON read_models.task_events (account_id, account_seq);
CREATE INDEX task_events_by_place ON read_models.task_events (shard_seq);

-- Pictures of shots that named a character; fed by the tasks, while character_images holds what a character is made of.
CREATE TABLE read_models.character_shots (
    task_id      text        NOT NULL,
    stage_id     text        NOT NULL,
    character_id text        NOT NULL,
    account_id   text        NOT NULL,
    key          text        NOT NULL,
    sha256       text        NOT NULL,
    size         bigint      NOT NULL,
    content_type text        NOT NULL,
    width        integer     NOT NULL,
    height       integer     NOT NULL,
    created_at   timestamptz NOT NULL,
    shard_seq    bigint      NOT NULL,
    PRIMARY KEY (task_id, stage_id, character_id)
);
CREATE INDEX character_shots_newest ON read_models.character_shots (account_id, character_id, created_at DESC);

CREATE TABLE read_models.quota_usage (
    account_id text   NOT NULL,
    resource   text   NOT NULL,
    day        text   NOT NULL,
    used       bigint NOT NULL,
    reserved   bigint NOT NULL,
    shard_seq  bigint NOT NULL,
    PRIMARY KEY (account_id, resource, day)
);

CREATE TABLE read_models.quota_limits (
    account_id text   NOT NULL,
    resource   text   NOT NULL,
    "limit"    bigint NOT NULL,
    shard_seq  bigint NOT NULL,
    PRIMARY KEY (account_id, resource)
);

CREATE TABLE read_models.quota_usage_history (
    account_id  text        NOT NULL,
    resource    text        NOT NULL,
    day         text        NOT NULL,
    shard_seq   bigint      NOT NULL,
    occurred_at timestamptz NOT NULL,
    used        bigint      NOT NULL,
    reserved    bigint      NOT NULL,
    PRIMARY KEY (account_id, resource, day, shard_seq)
);

CREATE TABLE read_models.quota_limit_history (
    account_id  text        NOT NULL,
    resource    text        NOT NULL,
    shard_seq   bigint      NOT NULL,
    occurred_at timestamptz NOT NULL,
    "limit"     bigint      NOT NULL,
    PRIMARY KEY (account_id, resource, shard_seq)
);

CREATE TABLE read_models.users (
    account_id text        PRIMARY KEY,
    tier       text        NOT NULL,
    role       text        NOT NULL,
    key_id     text        NOT NULL,
    limits     jsonb       NOT NULL,
    created_at timestamptz NOT NULL,
    erased_at  timestamptz,
    shard_seq  bigint      NOT NULL
);

CREATE TABLE read_models.characters (
    character_id  text        PRIMARY KEY,
    account_id    text        NOT NULL,
    task_id       text        NOT NULL,
    status        text        NOT NULL,
    revision      integer     NOT NULL,
    photo_count   integer     NOT NULL,
    artifacts     jsonb       NOT NULL,
    problem       jsonb,
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL,
    sealed        bytea       NOT NULL,
    sealed_result bytea       NOT NULL,
    revisions     jsonb       NOT NULL,
    shard_seq     bigint      NOT NULL,
    encoder       text        NOT NULL DEFAULT '',  -- '' with no embedding: none yet, or its key was erased
    embedding     vector(768)
);
CREATE INDEX characters_by_account ON read_models.characters (account_id, created_at DESC, character_id DESC);

CREATE TABLE read_models.character_images (
    character_id text    NOT NULL,
    revision     integer NOT NULL,
    key          text    NOT NULL,
    account_id   text    NOT NULL,
    role         text    NOT NULL,
    sha256       text    NOT NULL,
    size         bigint  NOT NULL,
    content_type text    NOT NULL,
    width        integer NOT NULL,
    height       integer NOT NULL,
    shard_seq    bigint  NOT NULL,
    PRIMARY KEY (character_id, revision, key)
);

CREATE TABLE read_models.assets (
    asset_id     text        PRIMARY KEY,
    account_id   text        NOT NULL,
    body_hash    text        NOT NULL,
    sha256       text        NOT NULL,
    size         bigint      NOT NULL,
    content_type text        NOT NULL,
    width        integer     NOT NULL,
    height       integer     NOT NULL,
    created_at   timestamptz NOT NULL,
    sealed       bytea       NOT NULL,
    shard_seq    bigint      NOT NULL
);
CREATE INDEX assets_by_account ON read_models.assets (account_id, created_at DESC);

CREATE TABLE read_models.storyboards (
    storyboard_id text        PRIMARY KEY,
    account_id    text        NOT NULL,
    task_id       text        NOT NULL,
    revision      integer     NOT NULL,
    shot_count    integer     NOT NULL,
    duration_ms   bigint      NOT NULL,
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL,
    sealed        bytea       NOT NULL,
    shard_seq     bigint      NOT NULL
);
CREATE INDEX storyboards_by_account ON read_models.storyboards (account_id, created_at DESC);

CREATE TABLE read_models.webhooks (
    webhook_id  text        PRIMARY KEY,
    account_id  text        NOT NULL,
    events      jsonb       NOT NULL,
    secret_id   text        NOT NULL,
    previous_id text        NOT NULL,
    rotated_at  timestamptz NOT NULL,
    created_at  timestamptz NOT NULL,
    removed     boolean     NOT NULL,
    sealed      bytea       NOT NULL,
    shard_seq   bigint      NOT NULL
);
CREATE INDEX webhooks_by_account ON read_models.webhooks (account_id, created_at) WHERE NOT removed;

CREATE TABLE read_models.devices (
    device_id    text        PRIMARY KEY,
    boot_id      text        NOT NULL,
    slot         integer     NOT NULL,
    epoch        bigint      NOT NULL,
    status       text        NOT NULL,
    kind         text        NOT NULL,
    host         text        NOT NULL,
    memory_bytes bigint      NOT NULL,
    engines      jsonb       NOT NULL,
    reason       text        NOT NULL,
    changed_at   timestamptz NOT NULL,
    shard_seq    bigint      NOT NULL
);

-- One search index an encoder: vectors of different encoders cannot be compared.
CREATE FUNCTION read_models.index_encoder(name text, home text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format(
        'CREATE INDEX IF NOT EXISTS %I ON %I.characters USING hnsw (embedding vector_cosine_ops) '
        'WHERE encoder = %L', 'characters_embedding_' || left(md5(name), 12), home, name);
END
$$;
