import type { JSX } from 'preact';
import { isRecord } from '../api/http.ts';
import type { JsonSchema } from '../api/types.ts';
import { useWords } from '../language/language.ts';

/** Lays out a value by its schema: objects as forms, lists of objects as tables, other lists as lists. */
export function SchemaValue({ schema, value }: { schema: JsonSchema; value: unknown }): JSX.Element {
  const t = useWords();
  if (value === null || value === undefined || value === '') return <span class="none">{t.none}</span>;
  if (Array.isArray(value)) {
    const items = schema.items ?? {};
    if (value.length === 0) return <span class="none">{t.none}</span>;
    return value.every(isRecord) ? <Table items={items} rows={value} /> : <List items={items} values={value} />;
  }
  if (isRecord(value)) {
    return (
      <dl class="form">
        {Object.entries(value).map(([key, each]) => (
          <div key={key}>
            <dt>{titleOf(schema, key)}</dt>
            <dd>
              <SchemaValue schema={schema.properties?.[key] ?? {}} value={each} />
            </dd>
          </div>
        ))}
      </dl>
    );
  }
  if (typeof value === 'boolean') return <span class="tag">{value ? t.yes : t.no}</span>;
  return schema.enum === undefined ? <>{String(value)}</> : <span class="tag">{String(value)}</span>;
}

function Table({ items, rows }: { items: JsonSchema; rows: readonly Record<string, unknown>[] }): JSX.Element {
  const keys = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  return (
    // A wide table scrolls by itself, also by keyboard.
    <div class="scroll" tabIndex={0} role="group">
      <table>
        <thead>
          <tr>
            {keys.map((key) => (
              <th key={key} scope="col">
                {titleOf(items, key)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, i) => (
            <tr key={i}>
              {keys.map((key) => (
                <td key={key}>
                  <SchemaValue schema={items.properties?.[key] ?? {}} value={row[key]} />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function List({ items, values }: { items: JsonSchema; values: readonly unknown[] }): JSX.Element {
  return (
    <ul class="values">
      {values.map((value, i) => (
        <li key={i}>
          <SchemaValue schema={items} value={value} />
        </li>
      ))}
    </ul>
  );
}

/** The schema's own title of a field, or its key as words. */
function titleOf(schema: JsonSchema, key: string): string {
  const title = schema.properties?.[key]?.title;
  if (title !== undefined) return title;
  const words = key.replaceAll(/([a-z0-9])([A-Z])/g, '$1 $2').replaceAll(/[_-]+/g, ' ').trim().toLowerCase();
  return words.charAt(0).toUpperCase() + words.slice(1);
}
