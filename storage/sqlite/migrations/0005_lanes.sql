-- Lanes share the places for deliveries fairly: a lane is what one bot has to do, by its urgency.
-- The beginning of a conversation's id, up to its last colon, names the bot.
ALTER TABLE inbox ADD COLUMN urgency TEXT NOT NULL DEFAULT ''; -- now, later, or nothing special
ALTER TABLE inbox ADD COLUMN lane TEXT NOT NULL GENERATED ALWAYS AS (
    rtrim(coalesce(conversation_id, ''), replace(coalesce(conversation_id, ''), ':', '')) || urgency
) VIRTUAL;
ALTER TABLE inbox ADD COLUMN unknowns INTEGER NOT NULL DEFAULT 0; -- calls in a row of which nobody knows whether they were carried out
CREATE INDEX inbox_lane ON inbox (lane, due_at, id) WHERE due_at IS NOT NULL;

ALTER TABLE outbox ADD COLUMN urgency TEXT NOT NULL DEFAULT '';
ALTER TABLE outbox ADD COLUMN lane TEXT NOT NULL GENERATED ALWAYS AS (
    rtrim(coalesce(conversation_id, ''), replace(coalesce(conversation_id, ''), ':', '')) || urgency
) VIRTUAL;
ALTER TABLE outbox ADD COLUMN unknowns INTEGER NOT NULL DEFAULT 0;
CREATE INDEX outbox_lane ON outbox (lane, due_at, id) WHERE due_at IS NOT NULL;
