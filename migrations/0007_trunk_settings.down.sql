-- The keys are elsewhere: a trunk that has one must be applied again.
ALTER TABLE trunk
    ADD COLUMN access_key text NOT NULL DEFAULT '',
    DROP COLUMN api_version,
    DROP COLUMN spelling,
    DROP COLUMN credential,
    DROP COLUMN credential_source,
    DROP COLUMN source_user,
    DROP COLUMN resource_id,
    DROP COLUMN callback_issuer,
    DROP COLUMN jwks_url,
    DROP COLUMN openid_configuration_url;
ALTER TABLE trunk ALTER COLUMN access_key DROP DEFAULT;
