-- Lists on their way in.

-- name: InsertImport
-- $1 campaign_id, $2 tenant_id, $3 now
INSERT INTO import (campaign_id, tenant_id, begun_at)
VALUES ($1, $2, $3)
RETURNING import_id;

-- name: ReopenImport
-- $1 import_id
UPDATE import SET finished_at = NULL WHERE import_id = $1;

-- name: ReadImport
-- Shared with the batches in flight, against the one who closes it.
--
-- $1 import_id
SELECT campaign_id, finished_at IS NULL FROM import WHERE import_id = $1 FOR SHARE;

-- name: FinishImport
-- $1 import_id, $2 now
UPDATE import
SET finished_at = coalesce(finished_at, $2)
WHERE import_id = $1
RETURNING campaign_id;

-- name: SumImport
-- $1 import_id
SELECT coalesce(sum(accepted), 0), coalesce(sum(duplicates), 0), coalesce(sum(refused), 0)
FROM import_batch
WHERE import_id = $1;

-- name: InsertImportBatch
-- Nothing if the batch is there already. Inserted first, counts last: the key
-- holds off a second sender of the same batch.
--
-- $1 import_id, $2 batch_no
INSERT INTO import_batch (import_id, batch_no, accepted, duplicates, refused)
VALUES ($1, $2, 0, 0, 0)
ON CONFLICT (import_id, batch_no) DO NOTHING
RETURNING batch_no;

-- name: CountImportBatch
-- $1 import_id, $2 batch_no, $3 accepted, $4 duplicates, $5 refused
UPDATE import_batch
SET accepted = $3, duplicates = $4, refused = $5
WHERE import_id = $1
  AND batch_no = $2;

-- name: ReadImportBatch
-- $1 import_id, $2 batch_no
SELECT accepted FROM import_batch WHERE import_id = $1 AND batch_no = $2;

-- name: InsertRecipients
-- People of a batch; those whose key is there already, from before or earlier in
-- the batch, are left out. Each numbers[i] is an array literal.
--
-- $1 campaign_id, $2 import_id, $3 lines bigint[], $4 person_keys text[],
-- $5 names text[], $6 numbers text[], $7 time_zones text[], $8 languages text[],
-- $9 priorities smallint[], $10 marks text[], $11 text_ids bigint[]
INSERT INTO recipient
    (campaign_id, import_id, line, person_key, name, numbers, time_zone, language, priority, marks,
     text_id)
SELECT $1, $2, line, person_key, name, numbers::text[], time_zone, language, priority, marks,
       text_id
FROM unnest($3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
            $9::smallint[], $10::text[], $11::bigint[])
    AS row (line, person_key, name, numbers, time_zone, language, priority, marks, text_id)
ON CONFLICT (campaign_id, person_key) WHERE person_key <> '' DO NOTHING
RETURNING recipient_id, person_key;

-- name: InsertTexts
-- What the people of a batch are told, each text once. One that is there is the same:
-- its id is made of it.
--
-- $1 campaign_id, $2 text_ids bigint[], $3 languages text[], $4 texts text[]
INSERT INTO message_text (campaign_id, text_id, language, text)
SELECT $1, text_id, language, text
FROM unnest($2::bigint[], $3::text[], $4::text[]) AS row (text_id, language, text)
ORDER BY text_id
ON CONFLICT (campaign_id, text_id) DO NOTHING;

-- name: ReadText
-- $1 campaign_id, $2 text_id
SELECT language, text FROM message_text WHERE campaign_id = $1 AND text_id = $2;

-- name: ConcludeNew
-- People whose window does not open before the campaign that they join expires.
--
-- $1 campaign_id, $2 recipient_ids bigint[], $3 outcome, $4 reason, $5 now
UPDATE recipient
SET outcome = $3::outcome,
    outcome_reason = $4,
    concluded_at = $5
WHERE campaign_id = $1
  AND recipient_id = any($2::bigint[]);

-- name: InsertRefusedRows
-- $1 campaign_id, $2 import_id, $3 batch_no, $4 lines bigint[], $5 person_keys text[],
-- $6 fields text[], $7 reasons text[], $8 details text[]
INSERT INTO refused_row (campaign_id, import_id, batch_no, line, person_key, field, reason, detail)
SELECT $1, $2, $3, line, person_key, field, reason, detail
FROM unnest($4::bigint[], $5::text[], $6::text[], $7::text[], $8::text[])
    AS row (line, person_key, field, reason, detail);

-- name: ReadDuplicatesOfBatch
-- $1 import_id, $2 batch_no, $3 the reason that stands for a duplicate
SELECT line, person_key, field, reason, detail
FROM refused_row
WHERE import_id = $1
  AND batch_no = $2
  AND reason = $3
ORDER BY refused_row_id;

-- name: ListRefusedRows
-- A page.
--
-- $1 tenant_id, $2 campaign_id, $3 refused_row_id after which to go on, $4 page size
SELECT r.refused_row_id, r.line, r.person_key, r.field, r.reason, r.detail
FROM refused_row AS r
JOIN campaign AS c ON c.campaign_id = r.campaign_id
WHERE c.tenant_id = $1
  AND r.campaign_id = $2
  AND r.refused_row_id > $3
ORDER BY r.refused_row_id
LIMIT $4;
