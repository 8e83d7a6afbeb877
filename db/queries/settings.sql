-- Trunks, recordings and progress.

-- name: SaveTrunk
-- Creates or replaces by name; the id stays.
--
-- $1 name, $2 endpoint, $3 dialect, $4 api_version, $5 spelling, $6 credential,
-- $7 credential_source, $8 source_user, $9 resource_id, $10 callback_issuer, $11 jwks_url,
-- $12 openid_configuration_url, $13 calls_per_second, $14 concurrent_max,
-- $15 concurrent_max_per_caller, $16 time_scale, $17 live_dialing, $18 allowed_regions text[],
-- $19 spend_ceiling_calls, $20 cognitive_services_endpoint, $21 now
INSERT INTO trunk
    (name, endpoint, dialect, api_version, spelling, credential, credential_source, source_user,
     resource_id, callback_issuer, jwks_url, openid_configuration_url, calls_per_second,
     concurrent_max, concurrent_max_per_caller, time_scale, live_dialing, allowed_regions,
     spend_ceiling_calls, cognitive_services_endpoint, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20,
        $21)
ON CONFLICT (name) DO UPDATE
SET endpoint = excluded.endpoint,
    dialect = excluded.dialect,
    api_version = excluded.api_version,
    spelling = excluded.spelling,
    credential = excluded.credential,
    credential_source = excluded.credential_source,
    source_user = excluded.source_user,
    resource_id = excluded.resource_id,
    callback_issuer = excluded.callback_issuer,
    jwks_url = excluded.jwks_url,
    openid_configuration_url = excluded.openid_configuration_url,
    calls_per_second = excluded.calls_per_second,
    concurrent_max = excluded.concurrent_max,
    concurrent_max_per_caller = excluded.concurrent_max_per_caller,
    time_scale = excluded.time_scale,
    live_dialing = excluded.live_dialing,
    allowed_regions = excluded.allowed_regions,
    spend_ceiling_calls = excluded.spend_ceiling_calls,
    cognitive_services_endpoint = excluded.cognitive_services_endpoint,
    updated_at = excluded.updated_at
RETURNING trunk_id;

-- name: DeleteCallerNumbers
-- $1 trunk_id
DELETE FROM trunk_caller_number WHERE trunk_id = $1;

-- name: InsertCallerNumbers
-- $1 trunk_id, $2 numbers text[]
INSERT INTO trunk_caller_number (trunk_id, position, number)
SELECT $1, (place - 1)::integer, number
FROM unnest($2::text[]) WITH ORDINALITY AS v (number, place);

-- name: ReadTrunks
-- All of them, or the one of a name.
--
-- $1 name or null
SELECT t.trunk_id, t.name, t.endpoint, t.dialect, t.api_version, t.spelling, t.credential,
       t.credential_source, t.source_user, t.resource_id, t.callback_issuer, t.jwks_url,
       t.openid_configuration_url, t.calls_per_second, t.concurrent_max,
       t.concurrent_max_per_caller, t.time_scale, t.live_dialing, t.allowed_regions,
       t.spend_ceiling_calls, t.cognitive_services_endpoint,
       array(SELECT c.number::text FROM trunk_caller_number AS c
             WHERE c.trunk_id = t.trunk_id ORDER BY c.position)
FROM trunk AS t
WHERE $1::text IS NULL OR t.name = $1
ORDER BY t.name;

-- name: SavePrompt
-- The same content is stored once; asking again gives its id. The public name is
-- the server's randomness.
--
-- $1 tenant_id, $2 wav in hex, $3 length_ms, $4 now
INSERT INTO prompt (tenant_id, sha256, public_name, wav, length_ms, created_at)
VALUES ($1, sha256(decode($2, 'hex')),
        replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', '') || '.wav',
        decode($2, 'hex'), $3, $4)
ON CONFLICT (tenant_id, sha256) DO UPDATE
SET length_ms = prompt.length_ms
RETURNING prompt_id;

-- name: ReadPrompt
-- $1 prompt_id
SELECT prompt_id, public_name, encode(wav, 'hex'), length_ms FROM prompt WHERE prompt_id = $1;

-- name: FindPrompt
-- $1 public_name
SELECT prompt_id, public_name, encode(wav, 'hex'), length_ms FROM prompt WHERE public_name = $1;

-- name: ReadProgress
-- $1 campaign_id
SELECT c.state, c.state_reason,
       (SELECT count(*) FROM number_lock AS l WHERE l.campaign_id = c.campaign_id),
       (SELECT count(*) FROM call_attempt AS a
        WHERE a.campaign_id = c.campaign_id AND a.ended_at IS NULL)
       + (SELECT count(*) FROM call_group_member AS g
          WHERE g.campaign_id = c.campaign_id AND g.ended_at IS NULL),
       c.started_at IS NOT NULL
FROM campaign AS c
WHERE c.campaign_id = $1;

-- name: ReadCounters
-- $1 campaign_id
SELECT key, sum(value) FROM campaign_counter WHERE campaign_id = $1 GROUP BY key;
