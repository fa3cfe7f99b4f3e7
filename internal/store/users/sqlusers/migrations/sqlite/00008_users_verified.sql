-- +goose Up
-- The default is for rows, and for programs, that are older than the column: their addresses count as confirmed.
ALTER TABLE users ADD COLUMN verified INTEGER NOT NULL DEFAULT 1;

-- +goose Down
ALTER TABLE users DROP COLUMN verified;
