-- +goose Up
CREATE TABLE signing_keys (
    id VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    seed VARBINARY(32) NOT NULL,
    created_at BIGINT NOT NULL,
    -- 1 for the key that was offered to an empty table, else NULL: there can be only one such.
    founder TINYINT NULL,
    PRIMARY KEY (id),
    UNIQUE KEY signing_keys_founder (founder)
) ENGINE = InnoDB;

-- +goose Down
DROP TABLE signing_keys;
