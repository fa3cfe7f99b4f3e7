-- +goose Up
CREATE TABLE closed_owners (
    owner     VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    closed_at BIGINT NOT NULL
) ENGINE = InnoDB;

-- +goose Down
DROP TABLE closed_owners;
