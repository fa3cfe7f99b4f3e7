-- +goose Up
CREATE INDEX webhooks_owner ON webhooks (owner, created_at, id);

-- +goose Down
DROP INDEX webhooks_owner;
