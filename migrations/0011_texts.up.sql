-- oldest program: 0010
-- (Which plays nothing in a campaign of texts: create none before every node is new.)
-- Messages that are spoken: templates of campaigns, and what each person is told.

-- Each text of a campaign once, however many are told it. Personal data.
CREATE TABLE message_text (
    campaign_id  bigint  NOT NULL,
    text_id      bigint  NOT NULL CHECK (text_id > 0),  -- Made of the content (TextIdOf()).
    language     text    NOT NULL CHECK (language <> ''),  -- BCP 47.
    text         text    NOT NULL CHECK (text <> ''),
    PRIMARY KEY (campaign_id, text_id)
) PARTITION BY RANGE (campaign_id);
COMMENT ON TABLE message_text IS
    'What people are told, word for word, each text of a campaign once.';
CREATE TABLE message_text_default PARTITION OF message_text DEFAULT;

-- Texts with {variables}, and the language that each is in.
ALTER TABLE campaign
    ADD COLUMN text_languages text[] NOT NULL DEFAULT '{}',
    ADD COLUMN text_templates text[] NOT NULL DEFAULT '{}',
    -- Of people who have none, or one that there is no template in.
    ADD COLUMN text_language text NOT NULL DEFAULT '',
    DROP CONSTRAINT campaign_one_message,
    ADD CONSTRAINT campaign_one_message CHECK (
        (audio_uri <> '')::integer + (prompt_id IS NOT NULL)::integer
        + (cardinality(text_languages) > 0)::integer = 1),
    ADD CONSTRAINT campaign_texts CHECK (cardinality(text_languages) = cardinality(text_templates));

-- Which text; 0: none, a recording is played. People with one number and one text
-- share a call. A constant default rewrites no row.
ALTER TABLE recipient ADD COLUMN text_id bigint NOT NULL DEFAULT 0;
ALTER TABLE due_queue ADD COLUMN text_id bigint NOT NULL DEFAULT 0;
ALTER TABLE call_attempt ADD COLUMN text_id bigint NOT NULL DEFAULT 0;

-- Where the provider of a trunk has its speech; empty: texts are rendered by us.
ALTER TABLE trunk ADD COLUMN cognitive_services_endpoint text NOT NULL DEFAULT '';

COMMENT ON COLUMN reporting.acknowledgements.message_version IS
    'What was played: prompt:<id>, uri for the campaign''s own URL, or text:<id> for words, where '
    'the same id is the same words.';
