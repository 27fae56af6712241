import process from 'node:process';
import type { Command } from 'commander';
import { examine, type Finding } from '../doctor.ts';

/** `sensorium doctor`. */
export function registerDoctor(program: Command): void {
  program
    .command('doctor')
    .description('say what is installed and which devices work, by running a small program on each')
    .option('--json', 'print the findings as JSON')
    .addHelpText('after', '\nThe exit code is 0 when models can be trained here, that is when the CPU works.\n')
    .action(async ({ json }: { json?: boolean }) => {
      const findings = await examine();
      if (json === true) process.stdout.write(`${JSON.stringify(findings, null, 2)}\n`);
      else process.stdout.write(asTable(findings));
      if (findings.some(({ state }) => state === 'broken')) process.exitCode = 1;
    });
}

function asTable(findings: readonly Finding[]): string {
  const marks = { ok: '✓', absent: '–', broken: '✗' } as const;
  const width = Math.max(...findings.map(({ name }) => name.length));
  const lines = findings.flatMap(({ name, state, detail, hint }) => [
    `${marks[state]} ${name.padEnd(width)}  ${detail}`,
    ...(hint === undefined ? [] : [`  ${' '.repeat(width)}  → ${hint}`]),
  ]);
  const broken = findings.filter(({ state }) => state === 'broken').length;
  lines.push(
    '',
    broken === 0 ? 'Ready. ✓ works  – is not there and not needed' : `${broken} thing(s) need attention: ✗`,
  );
  return `${lines.join('\n')}\n`;
}
