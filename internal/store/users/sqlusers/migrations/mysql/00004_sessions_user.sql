-- +goose Up
CREATE INDEX sessions_user ON sessions (user_id, expires_at);

-- +goose Down
DROP INDEX sessions_user ON sessions;
