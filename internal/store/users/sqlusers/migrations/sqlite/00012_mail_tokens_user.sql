-- +goose Up
CREATE INDEX mail_tokens_user ON mail_tokens (user_id);

-- +goose Down
DROP INDEX mail_tokens_user;
