// Compares the functions in sql/functions with their newest definitions in the migrations.

// Matches a function or an aggregate in sql/functions, with the comment directly above it.
const definition =
  /((?:^--.*\n)*)^(create or replace (?:function [^$]*?\$\$(?:(?!\$\$)[^])*\$\$;|aggregate [^;]*;))$/gm;
const definitionOrDrop = new RegExp(
  `${definition.source}|^drop (?:function|aggregate) ([\\w.]+)[^;]*;$`,
  'gm',
);

/**
 * The statements that change the functions of a migrated database to those of the sources. They are
 * a `drop` for each name in `drops`, and then each new or changed definition in the order of the
 * sources. The result is empty if nothing changed. `sources` and `migrations` are the texts of
 * whole files in order. Throws if a function was removed, or has other parameters or another
 * result, and is not in `drops`: its author must then decide.
 */
export function planFunctionMigration({ sources, migrations, drops }) {
  const wanted = new Map();
  for (const text of sources) {
    const rest = text
      .replaceAll(definition, '')
      .replaceAll(/^--.*$/gm, '')
      .trim();
    if (rest !== '') {
      throw new Error(`sql/functions may have functions only; this is none: ${rest.slice(0, 80)}`);
    }
    for (const [, comment, sql] of text.matchAll(definition)) {
      const found = describe(comment, sql);
      if (wanted.has(found.name)) throw new Error(`${found.name} is defined twice`);
      wanted.set(found.name, found);
    }
  }
  const migrated = newestDefinitions(migrations);

  const gone = [...migrated.values()].filter(
    ({ name, signature }) => wanted.get(name)?.signature !== signature,
  );
  const undecided = gone.filter(({ name }) => !drops.includes(name));
  if (undecided.length > 0) throw new Error(undecided.map(question).join('\n'));
  const needless = drops.filter((name) => !gone.some((dropped) => dropped.name === name));
  if (needless.length > 0) throw new Error(`nothing of ${needless.join(', ')} has to be dropped`);

  const changed = [...wanted.values()].filter(({ name, sql }) => migrated.get(name)?.sql !== sql);
  return [
    ...gone.map(({ kind, name, parameters }) => `drop ${kind} ${name}(${parameters});`),
    ...changed.map(({ comment, sql }) => comment + sql),
  ];
}

/** The functions that a database has after all migrations, by name. */
function newestDefinitions(migrations) {
  const newest = new Map();
  for (const text of migrations) {
    for (const [, comment, sql, dropped] of text.matchAll(definitionOrDrop)) {
      if (dropped !== undefined) {
        newest.delete(dropped);
        continue;
      }
      const found = describe(comment, sql);
      newest.set(found.name, found);
    }
  }
  return newest;
}

/** The parts of a definition. The signature is what `create or replace` cannot change. */
function describe(comment, sql) {
  const [head, kind, name] = /^create or replace (function|aggregate) ([\w.]+)\(/.exec(sql);
  let end = head.length;
  for (let depth = 1; depth > 0; end += 1) {
    if (sql[end] === '(') depth += 1;
    if (sql[end] === ')') depth -= 1;
  }
  const parameters = sql
    .slice(head.length, end - 1)
    .replaceAll(/\s+default\s+(?:'[^']*'|[^,'])+/g, '')
    .replaceAll(/\s+/g, ' ')
    .trim();
  const [, result = ''] = /\breturns\s+([^]*?)\s+language\b/.exec(sql.slice(end)) ?? [];
  const signature = `${kind} ${name}(${parameters}) ${result.replaceAll(/\s+/g, ' ')}`;
  return { comment, sql, kind, name, parameters, signature };
}

function question({ name, parameters }) {
  return `${name}(${parameters}) went away or has other parameters or another result.
  If processes of the released version still call it, keep it in sql/functions for one more release
  and give the new function another name. Otherwise drop it: node scripts/baseline.js --drop ${name}`;
}
