-- +goose Up
CREATE TABLE webhooks (
    id          CHAR(24) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    owner       VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    url         VARCHAR(2000) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    secret      VARBINARY(64) NOT NULL,
    events      VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    created_at  BIGINT NOT NULL,
    disabled_at BIGINT NOT NULL,
    KEY webhooks_owner (owner, created_at, id)
) ENGINE = InnoDB;

-- +goose Down
DROP TABLE webhooks;
