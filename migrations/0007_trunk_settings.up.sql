-- oldest program: 0007
-- How a trunk is spoken to and what its callbacks are held to. The table names where
-- each node finds a secret and has none itself (docs/decisions/0010).

ALTER TABLE trunk
    -- The api-version of its requests; empty: the dialect's default.
    ADD COLUMN api_version              text NOT NULL DEFAULT '',
    -- Whose names are used where two editions of 2021 differ.
    ADD COLUMN spelling                 text NOT NULL DEFAULT 'overview'
        CHECK (spelling IN ('overview', 'swagger')),
    -- How requests prove who sends them, and where the secret is.
    ADD COLUMN credential               text NOT NULL DEFAULT 'none'
        CHECK (credential IN ('none', 'access_key', 'connection_string', 'bearer_token')),
    ADD COLUMN credential_source        text NOT NULL DEFAULT '',
    -- The provider's user as whom we call; empty: nobody.
    ADD COLUMN source_user              text NOT NULL DEFAULT '',
    -- Of the tokens on callbacks of ga; empty ones have defaults.
    ADD COLUMN resource_id              text NOT NULL DEFAULT '',
    ADD COLUMN callback_issuer          text NOT NULL DEFAULT '',
    ADD COLUMN jwks_url                 text NOT NULL DEFAULT '',
    ADD COLUMN openid_configuration_url text NOT NULL DEFAULT '';

-- A trunk that had its key in the table: until it is applied again, nodes look for
-- the key here, say so, and send nothing.
UPDATE trunk
SET credential = 'access_key', credential_source = 'env:TOCSIN_TRUNK_ACCESS_KEY'
WHERE access_key <> '';

ALTER TABLE trunk
    ADD CHECK (CASE WHEN credential = 'none' THEN credential_source = ''
                    ELSE credential_source ~ '^(file:/|env:).' END),
    DROP COLUMN access_key;

-- Writes the table anew, so that no key stays in its file.
CLUSTER trunk USING trunk_pkey;
ALTER TABLE trunk SET WITHOUT CLUSTER;
