-- +goose Up
CREATE TABLE secrets (
    name  VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    value VARBINARY(255) NOT NULL
) ENGINE = InnoDB;

-- +goose Down
DROP TABLE secrets;
