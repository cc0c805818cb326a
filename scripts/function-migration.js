// Compares the functions of sql/functions with the newest definitions in the migrations.

// A function or an aggregate as sql/functions writes them, with the comment directly above it.
const definition =
  /((?:^--.*\n)*)^(create or replace (?:function [^$]*?\$\$(?:(?!\$\$)[^])*\$\$;|aggregate [^;]*;))$/gm;
const definitionOrDrop = new RegExp(
  `${definition.source}|^drop (?:function|aggregate) ([\\w.]+)[^;]*;$`,
  'gm',
);

/**
 * The statements that update the functions of a migrated database to the sources: a `drop` for each
 * name in `drops`, then each new or changed definition in the order of the sources. Empty if
 * nothing changed. Texts are whole files in order. Throws if a function was removed or has other
 * parameters or another result and is not in `drops`: the author must decide.
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

/** The functions that the migrations leave in a database, by name. */
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

/** The parts of a definition. The signature is the part that `create or replace` cannot change. */
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
