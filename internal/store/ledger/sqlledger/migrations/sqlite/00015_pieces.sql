-- +goose Up
ALTER TABLE conversions ADD COLUMN pieces TEXT NULL;

-- +goose Down
ALTER TABLE conversions DROP COLUMN pieces;
