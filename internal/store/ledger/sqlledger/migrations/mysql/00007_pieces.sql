-- +goose Up
ALTER TABLE conversions ADD COLUMN pieces MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL;

-- +goose Down
ALTER TABLE conversions DROP COLUMN pieces;
