-- +goose Up
-- The default is for rows, and for programs, that are older than the column.
ALTER TABLE conversions ADD COLUMN trace VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE conversions DROP COLUMN trace;
