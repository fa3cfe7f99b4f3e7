-- +goose Up
CREATE TABLE conversions (
    id               TEXT NOT NULL PRIMARY KEY,
    owner            TEXT NOT NULL,
    username         TEXT NOT NULL,
    status           TEXT NOT NULL,
    progress         REAL NOT NULL,
    video            TEXT NOT NULL,
    options          TEXT NOT NULL,
    mp3              TEXT NULL,
    failure          TEXT NULL,
    attempts         INTEGER NOT NULL,
    created_at       INTEGER NOT NULL,
    started_at       INTEGER NOT NULL,
    finished_at      INTEGER NOT NULL,
    expires_at       INTEGER NOT NULL,
    fence            INTEGER NOT NULL,
    lease_until      INTEGER NOT NULL,
    not_before       INTEGER NOT NULL,
    wake_due         INTEGER NULL,
    wakes            INTEGER NOT NULL,
    queued_at        INTEGER NOT NULL,
    last_error       TEXT NOT NULL,
    mail_status      TEXT NOT NULL,
    mail_fence       INTEGER NOT NULL,
    mail_lease_until INTEGER NOT NULL,
    mail_attempts    INTEGER NOT NULL,
    mail_uncertain   INTEGER NOT NULL,
    files_due        INTEGER NULL,
    files_gone       INTEGER NOT NULL,
    idempotency_key  TEXT NULL,
    UNIQUE (owner, idempotency_key)
) STRICT;

-- +goose Down
DROP TABLE conversions;
