-- What has no recording cannot be played any more, and says so.
ALTER TABLE trunk DROP COLUMN cognitive_services_endpoint;
ALTER TABLE call_attempt DROP COLUMN text_id;
ALTER TABLE due_queue DROP COLUMN text_id;
ALTER TABLE recipient DROP COLUMN text_id;
ALTER TABLE campaign DROP CONSTRAINT campaign_one_message, DROP CONSTRAINT campaign_texts;
UPDATE campaign SET audio_uri = 'https://text.invalid/' WHERE cardinality(text_languages) > 0;
ALTER TABLE campaign
    DROP COLUMN text_languages,
    DROP COLUMN text_templates,
    DROP COLUMN text_language,
    ADD CONSTRAINT campaign_one_message CHECK ((audio_uri = '') = (prompt_id IS NOT NULL));
DROP TABLE message_text;
COMMENT ON COLUMN reporting.acknowledgements.message_version IS
    'Which recording was played: prompt:<id>, or uri for the campaign''s own URL.';
