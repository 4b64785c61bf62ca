-- name: add
-- An inventory and all it was made of.
INSERT INTO inventories (tenant_id, inventory_id, name, document, activities, factors, instruments, potentials, rates,
                         lines, logic, activity_count, line_count)
VALUES (%(tenant_id)s, %(inventory_id)s, %(name)s, %(document)s, %(activities)s, %(factors)s, %(instruments)s,
        %(potentials)s, %(rates)s, %(lines)s, %(logic)s, %(activity_count)s, %(line_count)s)

-- name: make_stage
-- Where lines arrive as they stand in their file.
CREATE TEMP TABLE inventory_stage ON COMMIT DROP AS SELECT {columns} FROM inventory_lines WITH NO DATA

-- name: fill_stage
-- The file of lines, canonical texts with a header.
COPY inventory_stage ({columns}) FROM STDIN (FORMAT csv, HEADER true)

-- name: keep_lines
-- The lines of an inventory from the stage.
INSERT INTO inventory_lines (tenant_id, inventory_id, {columns})
SELECT %(tenant_id)s, %(inventory_id)s, {columns} FROM inventory_stage

-- name: add_finding
-- One finding of an inventory.
INSERT INTO inventory_findings (tenant_id, inventory_id, finding_no, rule_id, subject, method, stage, activities,
                                quantity, unit, co2e_kg, message)
VALUES (%(tenant_id)s, %(inventory_id)s, %(finding_no)s, %(rule_id)s, %(subject)s, %(method)s, %(stage)s,
        %(activities)s, %(quantity)s, %(unit)s, %(co2e_kg)s, %(message)s)

-- name: all
-- Every inventory with its number where it was published, the latest first. Whether it was discarded the audit chain says:
-- nothing is deleted, and the last word counts. What is published is not discarded, whatever else is said. The actions
-- stand here as they do in the index that finds their entries.
WITH said AS (
    SELECT DISTINCT ON (resource) resource, action, at FROM audit_entries
    WHERE tenant_id = %(tenant_id)s AND action IN ('inventory.discarded', 'inventory.restored')
    ORDER BY resource, seq DESC)
SELECT i.inventory_id, i.name, i.document, i.activities, i.factors, i.instruments, i.potentials, i.rates, i.lines,
       i.logic, i.activity_count, i.line_count, i.calculated_at, p.number, p.published_at,
       CASE WHEN said.action = 'inventory.discarded' AND p.number IS NULL THEN said.at END AS discarded_at
FROM inventories i LEFT JOIN inventory_publications p USING (tenant_id, inventory_id)
LEFT JOIN said ON said.resource = 'inventory/' || i.inventory_id
WHERE i.tenant_id = %(tenant_id)s ORDER BY i.calculated_at DESC, i.inventory_id

-- name: findings
-- The findings of an inventory in order.
SELECT finding_no, rule_id, subject, message, method, stage, activities, quantity, unit, co2e_kg
FROM inventory_findings WHERE tenant_id = %(tenant_id)s AND inventory_id = %(inventory_id)s ORDER BY finding_no

-- name: sums
-- Lines of an inventory summed up by all that must not be added across.
SELECT gwp_set, method, scope, category, stage, tier, basis, missing_sets, count(*) AS lines, sum(co2e_kg) AS co2e_kg,
       sum(biogenic_co2_kg) AS biogenic_co2_kg
FROM inventory_lines WHERE tenant_id = %(tenant_id)s AND inventory_id = %(inventory_id)s
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8 ORDER BY 3, 4, 2, 5, 6, 1, 7, 8

-- name: lines
-- Lines of an inventory in order, some or all of them.
SELECT {columns} FROM inventory_lines
WHERE tenant_id = %(tenant_id)s AND inventory_id = %(inventory_id)s
  AND (%(activity_id)s::text IS NULL OR activity_id = %(activity_id)s)
  AND (%(facility_code)s::text IS NULL OR facility_code = %(facility_code)s)
  AND (%(gwp_set)s::text IS NULL OR gwp_set = %(gwp_set)s)
  AND (%(method)s::text IS NULL OR method = %(method)s)
  AND (%(scope)s::bigint IS NULL OR scope = %(scope)s)
ORDER BY activity_id COLLATE "C", method COLLATE "C", gwp_set COLLATE "C", stage COLLATE "C", part LIMIT %(limit)s

-- name: count_lines
-- How many lines there are of those asked for.
SELECT count(*) FROM inventory_lines
WHERE tenant_id = %(tenant_id)s AND inventory_id = %(inventory_id)s
  AND (%(activity_id)s::text IS NULL OR activity_id = %(activity_id)s)
  AND (%(facility_code)s::text IS NULL OR facility_code = %(facility_code)s)
  AND (%(gwp_set)s::text IS NULL OR gwp_set = %(gwp_set)s)
  AND (%(method)s::text IS NULL OR method = %(method)s)
  AND (%(scope)s::bigint IS NULL OR scope = %(scope)s)

-- name: values_near
-- Values of a column of an inventory's lines, 2,000 at most: the one wanted, those that begin alike, those as long.
SELECT value FROM (
    SELECT DISTINCT {column} AS value FROM inventory_lines
    WHERE tenant_id = %(tenant_id)s AND inventory_id = %(inventory_id)s AND {column} IS NOT NULL) AS known
ORDER BY value = %(wanted)s DESC, left(lower(value), 3) = left(lower(%(wanted)s), 3) DESC,
         abs(length(value) - length(%(wanted)s)), value COLLATE "C" LIMIT 2000

-- name: differences
-- Activities whose figures differ between two totals, the largest difference first, with what each side rests on.
WITH counted AS (
    SELECT activity_id, activity_type, stage, co2e_kg,
           coalesce(tier, basis) || coalesce(' ' || coalesce(instrument_id, factor_id), '') AS rests_on,
           (gwp_set = %(set_a)s OR (%(accept)s AND %(set_a)s = ANY(string_to_array(missing_sets, ';'))))
               AND (scope <> 2 OR method IN (%(method_a)s, 'reported')) AS in_a,
           (gwp_set = %(set_b)s OR (%(accept)s AND %(set_b)s = ANY(string_to_array(missing_sets, ';'))))
               AND (scope <> 2 OR method IN (%(method_b)s, 'reported')) AS in_b
    FROM inventory_lines
    WHERE tenant_id = %(tenant_id)s AND inventory_id = %(inventory_id)s AND scope IS NOT NULL),
sides AS (
    SELECT activity_id, activity_type, stage,
           sum(co2e_kg) FILTER (WHERE in_a) AS kg_a, sum(co2e_kg) FILTER (WHERE in_b) AS kg_b,
           string_agg(DISTINCT rests_on, ', ') FILTER (WHERE in_a) AS rests_on_a,
           string_agg(DISTINCT rests_on, ', ') FILTER (WHERE in_b) AS rests_on_b
    FROM counted GROUP BY 1, 2, 3),
told AS (
    -- Missing is not 0: what one side has not has no difference, and is told apart.
    SELECT sides.*, kg_b - kg_a AS difference_kg, sum(kg_b - kg_a) OVER () AS difference_in_all,
           count(*) FILTER (WHERE kg_b IS NULL) OVER () AS only_a,
           coalesce(sum(kg_a) FILTER (WHERE kg_b IS NULL) OVER (), 0) AS only_a_kg,
           count(*) FILTER (WHERE kg_a IS NULL) OVER () AS only_b,
           coalesce(sum(kg_b) FILTER (WHERE kg_a IS NULL) OVER (), 0) AS only_b_kg
    FROM sides WHERE kg_a IS NOT NULL OR kg_b IS NOT NULL)
SELECT activity_id, activity_type, stage, kg_a, kg_b, difference_kg, rests_on_a, rests_on_b,
       count(*) OVER () AS differing, difference_in_all, only_a, only_a_kg, only_b, only_b_kg
FROM told WHERE kg_a IS DISTINCT FROM kg_b
ORDER BY abs(coalesce(difference_kg, kg_a, kg_b)) DESC, activity_id COLLATE "C", stage LIMIT %(limit)s

-- name: activities_in_totals
-- How many activities have a figure in any total of an inventory, and how many in its own.
SELECT count(DISTINCT activity_id),
       count(DISTINCT activity_id) FILTER (
           WHERE (gwp_set = %(own_set)s OR (%(accept)s AND %(own_set)s = ANY(string_to_array(missing_sets, ';'))))
             AND (scope <> 2 OR method IN (%(own_method)s, 'reported')))
FROM inventory_lines
WHERE tenant_id = %(tenant_id)s AND inventory_id = %(inventory_id)s AND scope IS NOT NULL
  AND (gwp_set = ANY(%(sets)s::text[])
       OR (%(accept)s AND string_to_array(missing_sets, ';') && %(sets)s::text[]))
  AND (scope <> 2 OR method = 'reported' OR method = ANY(%(methods)s::text[]))

-- name: factors_used
-- The factors and instruments behind an inventory, with how many lines rest on each.
SELECT factor_id, instrument_id, count(*) AS lines FROM inventory_lines
WHERE tenant_id = %(tenant_id)s AND inventory_id = %(inventory_id)s GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2

-- name: stored_lines
-- The lines of one inventory, to be compared with its file.
(SELECT * FROM inventory_lines WHERE inventory_id = {inventory_id}) AS stored

-- name: count_all_lines
-- How many lines stand of an inventory.
SELECT count(*) FROM inventory_lines WHERE tenant_id = %(tenant_id)s AND inventory_id = %(inventory_id)s

-- name: owners
-- The inventories that lines and findings say they are of.
SELECT 'inventory_lines', inventory_id FROM inventory_lines WHERE tenant_id = %(tenant_id)s
UNION SELECT 'inventory_findings', inventory_id FROM inventory_findings WHERE tenant_id = %(tenant_id)s
ORDER BY 1, 2

-- name: publications
-- Every number that was given, to which inventory, under which name.
SELECT number, inventory_id, name FROM inventory_publications WHERE tenant_id = %(tenant_id)s

-- name: next_number
-- The number after the last one given; the chain's head is locked, so that nobody else takes it.
SELECT coalesce(max(number), 0) + 1 FROM inventory_publications WHERE tenant_id = %(tenant_id)s

-- name: publish
-- Give an inventory its number, for good.
INSERT INTO inventory_publications (tenant_id, number, inventory_id, name)
VALUES (%(tenant_id)s, %(number)s, %(inventory_id)s, %(name)s)
