-- +goose Up
CREATE INDEX mail_tokens_expiry ON mail_tokens (expires_at);

-- +goose Down
DROP INDEX mail_tokens_expiry;
