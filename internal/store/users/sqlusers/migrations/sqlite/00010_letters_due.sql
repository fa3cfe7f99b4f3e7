-- +goose Up
CREATE INDEX letters_due ON letters (due_at);

-- +goose Down
DROP INDEX letters_due;
