-- oldest program: 0005
-- The promises, asked of the rows: one row for each that is broken, none when
-- all is well. May be asked at any time, of a running campaign too; each check
-- is one statement and so sees one moment.

CREATE FUNCTION reporting.audit(campaign bigint DEFAULT NULL)
RETURNS TABLE (promise text, campaign_id bigint, recipient_id bigint, attempt_id bigint,
               finding text)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public
SET plan_cache_mode = force_custom_plan
SET jit = off
SET enable_seqscan = on
SET enable_hashjoin = on
SET enable_mergejoin = on
AS $audit$
#variable_conflict use_column
DECLARE
    -- A range instead of "all or one": the planner can use the keys for both.
    low  bigint := coalesce(campaign, 0);
    high bigint := coalesce(campaign, 9223372036854775807);
BEGIN
    -- Nobody is lost (P1). -----------------------------------------------------

    RETURN QUERY
    SELECT 'P1', r.campaign_id, r.recipient_id, NULL::bigint,
           'no outcome, and the campaign is ' || c.state
    FROM campaign AS c
    JOIN recipient AS r ON r.campaign_id = c.campaign_id
    WHERE c.campaign_id BETWEEN low AND high
      AND c.state IN ('COMPLETED', 'CANCELED')
      AND r.outcome IS NULL;

    RETURN QUERY
    SELECT 'P1', r.campaign_id, r.recipient_id, NULL::bigint,
           'neither done nor waiting nor in an attempt'
    FROM campaign AS c
    JOIN recipient AS r ON r.campaign_id = c.campaign_id
    LEFT JOIN due_queue AS d
        ON d.campaign_id = r.campaign_id AND d.recipient_id = r.recipient_id
    LEFT JOIN call_attempt AS a
        ON a.campaign_id = r.campaign_id AND a.recipient_id = r.recipient_id
        AND a.ended_at IS NULL
    LEFT JOIN call_group_member AS g
        ON g.campaign_id = r.campaign_id AND g.recipient_id = r.recipient_id
        AND g.ended_at IS NULL
    WHERE c.campaign_id BETWEEN low AND high
      AND c.started_at IS NOT NULL
      AND c.state NOT IN ('COMPLETED', 'CANCELED')
      AND r.outcome IS NULL
      AND d.recipient_id IS NULL
      AND a.recipient_id IS NULL
      AND g.recipient_id IS NULL;

    RETURN QUERY
    SELECT 'P1', d.campaign_id, d.recipient_id, NULL::bigint,
           'waits in the queue and has an outcome'
    FROM due_queue AS d
    JOIN recipient AS r ON r.campaign_id = d.campaign_id AND r.recipient_id = d.recipient_id
    WHERE d.campaign_id BETWEEN low AND high
      AND r.outcome IS NOT NULL;

    RETURN QUERY
    SELECT 'P1', i.campaign_id, NULL::bigint, NULL::bigint,
           format('import %s accepted %s rows and has %s people', i.import_id, b.accepted,
                  coalesce(p.people, 0))
    FROM import AS i
    JOIN (SELECT x.import_id, sum(x.accepted) AS accepted
          FROM import_batch AS x GROUP BY 1) AS b ON b.import_id = i.import_id
    LEFT JOIN (SELECT r.campaign_id, r.import_id, count(*) AS people
               FROM recipient AS r
               WHERE r.campaign_id BETWEEN low AND high
               GROUP BY 1, 2) AS p
        ON p.campaign_id = i.campaign_id AND p.import_id = i.import_id
    WHERE i.campaign_id BETWEEN low AND high
      AND b.accepted <> coalesce(p.people, 0);

    -- Nobody is rung twice at once (P2). ---------------------------------------

    RETURN QUERY
    SELECT 'P2', s.campaign_id, s.recipient_id, max(s.attempt_id),
           format('in %s attempts at once', count(*))
    FROM (SELECT a.campaign_id, a.recipient_id, a.attempt_id FROM call_attempt AS a
          WHERE a.ended_at IS NULL
          UNION ALL
          SELECT g.campaign_id, g.recipient_id, g.attempt_id FROM call_group_member AS g
          WHERE g.ended_at IS NULL
          UNION ALL
          SELECT d.campaign_id, d.recipient_id, NULL FROM due_queue AS d) AS s
    WHERE s.campaign_id BETWEEN low AND high
    GROUP BY s.campaign_id, s.recipient_id
    HAVING count(*) > 1;

    RETURN QUERY
    SELECT 'P2', min(a.campaign_id), NULL::bigint, min(a.attempt_id),
           format('%s live attempts for one number', count(*))
    FROM call_attempt AS a
    WHERE a.ended_at IS NULL
      AND a.state IN ('DIALING', 'UNRESOLVED')
    GROUP BY a.number
    HAVING count(*) > 1
       AND bool_or(a.campaign_id BETWEEN low AND high);

    RETURN QUERY
    SELECT 'P2', l.campaign_id, NULL::bigint, l.attempt_id,
           'a number is locked without a live attempt'
    FROM number_lock AS l
    LEFT JOIN call_attempt AS a
        ON a.campaign_id = l.campaign_id AND a.attempt_id = l.attempt_id
        AND a.state IN ('DIALING', 'UNRESOLVED') AND a.number = l.e164
    WHERE l.campaign_id BETWEEN low AND high
      AND a.attempt_id IS NULL;

    RETURN QUERY
    SELECT 'P2', a.campaign_id, a.recipient_id, a.attempt_id, 'live without a lock of its number'
    FROM call_attempt AS a
    LEFT JOIN number_lock AS l
        ON l.campaign_id = a.campaign_id AND l.attempt_id = a.attempt_id AND l.e164 = a.number
    WHERE a.campaign_id BETWEEN low AND high
      AND a.ended_at IS NULL
      AND a.state IN ('DIALING', 'UNRESOLVED')
      AND l.attempt_id IS NULL;

    RETURN QUERY
    SELECT 'P2', a.campaign_id, a.recipient_id, a.attempt_id,
           'not ended, and the campaign is ' || c.state
    FROM campaign AS c
    JOIN call_attempt AS a ON a.campaign_id = c.campaign_id
    WHERE c.campaign_id BETWEEN low AND high
      AND c.state IN ('COMPLETED', 'CANCELED')
      AND a.ended_at IS NULL;

    RETURN QUERY
    SELECT 'P2', a.campaign_id, a.recipient_id, a.attempt_id, 'ended without a disposition'
    FROM call_attempt AS a
    WHERE a.campaign_id BETWEEN low AND high
      AND a.state = 'ENDED'
      AND (a.disposition IS NULL OR a.ended_at IS NULL);

    RETURN QUERY
    SELECT 'P2', g.campaign_id, g.recipient_id, g.attempt_id,
           'rides along with an attempt that is not there or differs in being over'
    FROM call_group_member AS g
    LEFT JOIN call_attempt AS a
        ON a.campaign_id = g.campaign_id AND a.attempt_id = g.attempt_id
    WHERE g.campaign_id BETWEEN low AND high
      AND (a.attempt_id IS NULL OR (a.ended_at IS NULL) <> (g.ended_at IS NULL));

    -- The rate is a law (P3): sends in any rolling second, by their times. -------

    RETURN QUERY
    SELECT 'P3', min(w.campaign_id), NULL::bigint, min(w.attempt_id),
           format('%s sends on trunk %s within a second, %s allowed', max(w.in_second), w.trunk,
                  w.allowed)
    FROM (SELECT s.campaign_id, s.attempt_id, s.trunk,
                 greatest(1, floor(s.trunk_calls_per_second)) AS allowed,
                 count(*) OVER (PARTITION BY s.trunk ORDER BY s.sent_at
                                RANGE BETWEEN interval '999999 microseconds' PRECEDING
                                          AND CURRENT ROW) AS in_second
          FROM reporting.sends AS s
          WHERE s.campaign_id BETWEEN low AND high) AS w
    WHERE w.in_second > w.allowed
    GROUP BY w.trunk, w.allowed;

    -- An outcome means one thing (P7): what its facts carry. ---------------------

    RETURN QUERY
    SELECT 'P7', r.campaign_id, r.recipient_id, r.served_by_attempt_id,
           'CONFIRMED without an acknowledgement'
    FROM recipient AS r
    LEFT JOIN acknowledgement AS k
        ON k.campaign_id = r.campaign_id AND k.recipient_id = r.recipient_id
    WHERE r.campaign_id BETWEEN low AND high
      AND r.outcome = 'CONFIRMED'
      AND k.recipient_id IS NULL;

    RETURN QUERY
    SELECT 'P7', k.campaign_id, k.recipient_id, k.attempt_id,
           'acknowledged, and the outcome is ' || r.outcome
    FROM acknowledgement AS k
    JOIN recipient AS r ON r.campaign_id = k.campaign_id AND r.recipient_id = k.recipient_id
    WHERE k.campaign_id BETWEEN low AND high
      AND r.outcome <> 'CONFIRMED';

    RETURN QUERY
    SELECT 'P7', k.campaign_id, k.recipient_id, k.attempt_id,
           'acknowledged without a key in the log at that time'
    FROM acknowledgement AS k
    WHERE k.campaign_id BETWEEN low AND high
      AND NOT EXISTS (
          SELECT FROM call_event AS e
          WHERE e.campaign_id = k.campaign_id
            AND e.attempt_id = k.attempt_id
            AND e.kind = 'TONE'
            AND e.tone = k.tone
            AND e.at = k.acknowledged_at);

    RETURN QUERY
    SELECT 'P7', r.campaign_id, r.recipient_id, r.served_by_attempt_id,
           format('%s, and the attempt it rests on does not carry it', r.outcome)
    FROM recipient AS r
    LEFT JOIN call_attempt AS a
        ON a.campaign_id = r.campaign_id AND a.attempt_id = r.served_by_attempt_id
    WHERE r.campaign_id BETWEEN low AND high
      AND CASE r.outcome
              WHEN 'CONFIRMED' THEN a.acknowledged_at IS NULL
              WHEN 'DELIVERED_UNCONFIRMED' THEN a.delivery IS DISTINCT FROM 'FULL'
              WHEN 'PARTIAL' THEN a.delivery IS DISTINCT FROM 'PARTIAL'
              WHEN 'REFUSED' THEN a.refused_at IS NULL
              WHEN 'OPTED_OUT' THEN a.opted_out_at IS NULL
              ELSE false
          END;

    RETURN QUERY
    SELECT 'P7', a.campaign_id, a.recipient_id, a.attempt_id,
           'delivery FULL without a copy that ended in the log'
    FROM call_attempt AS a
    WHERE a.campaign_id BETWEEN low AND high
      AND a.state = 'ENDED'
      AND a.delivery = 'FULL'
      AND NOT EXISTS (
          SELECT FROM call_event AS e
          WHERE e.campaign_id = a.campaign_id
            AND e.attempt_id = a.attempt_id
            AND e.kind = 'PLAY_ENDED'
            AND e.subcode = 0);

    RETURN QUERY
    SELECT 'P7', a.campaign_id, a.recipient_id, a.attempt_id,
           'ANSWERED without anything in the log that proves it'
    FROM call_attempt AS a
    WHERE a.campaign_id BETWEEN low AND high
      AND a.disposition = 'ANSWERED'
      AND NOT EXISTS (
          SELECT FROM call_event AS e
          WHERE e.campaign_id = a.campaign_id
            AND e.attempt_id = a.attempt_id
            AND e.kind IN ('ANSWERED', 'TONE', 'PLAY_ENDED'));

    RETURN QUERY
    SELECT 'P7', a.campaign_id, a.recipient_id, a.attempt_id,
           'opted out, and the number is not suppressed'
    FROM call_attempt AS a
    JOIN campaign AS c ON c.campaign_id = a.campaign_id
    WHERE a.campaign_id BETWEEN low AND high
      AND a.opted_out_at IS NOT NULL
      AND NOT EXISTS (
          SELECT FROM suppression AS s
          WHERE s.tenant_id = c.tenant_id
            AND s.number = a.number
            AND s.purpose IN (c.purpose, '*'));

    -- Counters are what a recount says. ------------------------------------------

    RETURN QUERY
    WITH counted AS (
        SELECT n.campaign_id, n.key, sum(n.value) AS value
        FROM campaign_counter AS n
        WHERE n.campaign_id BETWEEN low AND high
        GROUP BY 1, 2
    ),
    attempt AS (
        SELECT a.campaign_id, a.state, a.disposition, a.opted_out_at, a.sends - a.not_sent AS sends,
               a.disposition = 'ANSWERED' AND a.delivery = 'NONE' AS unheard,
               a.disposition = 'ANSWERED' AND a.answered_by <> 'HUMAN'
                   AND extract(epoch FROM a.ended_at - a.answered_at)
                       * c.time_scale::numeric < 6 AS short
        FROM call_attempt AS a
        JOIN campaign AS c ON c.campaign_id = a.campaign_id
        WHERE a.campaign_id BETWEEN low AND high
    ),
    recounted (campaign_id, key, value) AS (
        SELECT r.campaign_id, 'people', count(*) FROM recipient AS r
        WHERE r.campaign_id BETWEEN low AND high GROUP BY 1
        UNION ALL
        SELECT r.campaign_id, 'outcome:' || r.outcome, count(*) FROM recipient AS r
        WHERE r.campaign_id BETWEEN low AND high AND r.outcome IS NOT NULL GROUP BY 1, 2
        UNION ALL
        SELECT x.campaign_id,
               CASE WHEN x.reason = 'DUPLICATE_PERSON' THEN 'duplicates' ELSE 'refused' END,
               count(*)
        FROM refused_row AS x
        WHERE x.campaign_id BETWEEN low AND high GROUP BY 1, 2
        UNION ALL
        SELECT k.campaign_id, 'acknowledged', count(*) FROM acknowledgement AS k
        WHERE k.campaign_id BETWEEN low AND high GROUP BY 1
        UNION ALL
        SELECT a.campaign_id, 'attempts', count(*) FROM attempt AS a
        WHERE a.state = 'ENDED' GROUP BY 1
        UNION ALL
        SELECT a.campaign_id, 'disposition:' || a.disposition, count(*) FROM attempt AS a
        WHERE a.state = 'ENDED' GROUP BY 1, 2
        UNION ALL
        SELECT a.campaign_id, 'opt_outs', count(*) FROM attempt AS a
        WHERE a.opted_out_at IS NOT NULL GROUP BY 1
        UNION ALL
        SELECT a.campaign_id, 'sends', sum(a.sends) FROM attempt AS a GROUP BY 1
        UNION ALL
        SELECT a.campaign_id, 'unheard_answers', count(*) FROM attempt AS a
        WHERE a.unheard GROUP BY 1
        UNION ALL
        SELECT a.campaign_id, 'short_calls', count(*) FROM attempt AS a
        WHERE a.short GROUP BY 1
    )
    SELECT 'counters', campaign_id, NULL::bigint, NULL::bigint,
           format('%s: counter %s, recount %s', key, coalesce(counted.value, 0),
                  coalesce(recounted.value, 0))
    FROM counted
    FULL JOIN recounted USING (campaign_id, key)
    WHERE coalesce(counted.value, 0) <> coalesce(recounted.value, 0);
END
$audit$;

COMMENT ON FUNCTION reporting.audit(bigint) IS
    'A row for each broken promise of a campaign, or of all of them (no argument); '
    'no rows when all is well.';

REVOKE EXECUTE ON FUNCTION reporting.audit(bigint) FROM PUBLIC;
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'tocsin_analyst') THEN
        GRANT EXECUTE ON FUNCTION reporting.audit(bigint) TO tocsin_analyst;
    END IF;
END
$$;
