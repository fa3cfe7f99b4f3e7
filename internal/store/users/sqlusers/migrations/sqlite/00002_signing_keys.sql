-- +goose Up
CREATE TABLE signing_keys (
    id TEXT NOT NULL PRIMARY KEY,
    seed BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    -- 1 for the key that was offered to an empty table, else NULL: there can be only one such.
    founder INTEGER NULL UNIQUE
);

-- +goose Down
DROP TABLE signing_keys;
