/**
 * Draws the sample pictures of the five applications, which are committed; run it again after changing a drawing. Lettering is that
 * of the machine's fonts.
 *
 *     node scripts/application-samples.mjs
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { ROOT } from './setup/steps.mjs';

const [WIDTH, HEIGHT] = [448, 336];
const COLOURS = 64;

const SAMPLES = {
  // A parcel with a crushed corner, and a mug whose handle lies beside it.
  support: `
    <rect width="448" height="336" fill="#ece7df"/>
    <rect y="230" width="448" height="106" fill="#cdbfa9"/>
    <path d="M48 96 L150 74 L236 98 L236 232 L134 256 L48 226 Z" fill="#b98a53"/>
    <path d="M48 96 L134 120 L134 256 L48 226 Z" fill="#a87843"/>
    <path d="M48 96 L150 74 L236 98 L134 120 Z" fill="#cfa26b"/>
    <path d="M94 85 L185 109 L185 244" fill="none" stroke="#e8d9a8" stroke-width="12"/>
    <path d="M236 98 L200 112 L214 128 L188 140 L236 150 Z" fill="#8a5f30"/>
    <path d="M200 112 L214 128 L188 140 M214 128 L236 124" fill="none" stroke="#5d3f1e" stroke-width="3"/>
    <path d="M64 178 l24 8 v28 l-24 -8 Z" fill="#f4efe6"/>
    <path d="M68 186 l16 5 M68 193 l16 5 M68 200 l10 3" stroke="#777" stroke-width="2"/>
    <path d="M286 160 h86 v78 q0 20 -20 20 h-46 q-20 0 -20 -20 Z" fill="#3f7fb5"/>
    <ellipse cx="329" cy="160" rx="43" ry="12" fill="#2b5a83"/>
    <ellipse cx="329" cy="161" rx="36" ry="8" fill="#1d3f5e"/>
    <path d="M372 184 l8 4 l-6 6 l8 5 M372 222 l9 -3 l-5 8 l7 4" fill="none" stroke="#f0f4f7" stroke-width="3"/>
    <path d="M396 262 q30 -6 30 20 q0 24 -30 18" fill="none" stroke="#3f7fb5" stroke-width="13"/>
    <path d="M312 206 l8 -14 l10 18 l8 -12" fill="none" stroke="#dbe7f1" stroke-width="2.5"/>`,
  // The theorem of Pythagoras, as a textbook has it.
  education: `
    <rect width="448" height="336" fill="#fffdf6"/>
    <g font-family="DejaVu Serif, serif" fill="#222">
      <text x="24" y="36" font-size="20" font-weight="bold">The right-angled triangle</text>
      <path d="M24 46 h400" stroke="#888"/>
      <g transform="translate(-24 30)">
      <rect x="120" y="200" width="96" height="96" fill="#bfe0c4" stroke="#222" stroke-width="2"/>
      <rect x="48" y="128" width="72" height="72" fill="#f6d7a7" stroke="#222" stroke-width="2"/>
      <path d="M120 128 L216 200 L288 104 L192 32 Z" fill="#c7d5f0" stroke="#222" stroke-width="2"/>
      <path d="M120 200 L216 200 L120 128 Z" fill="#fff" stroke="#222" stroke-width="2.5"/>
      <path d="M120 188 h12 v12" fill="none" stroke="#222" stroke-width="1.5"/>
      <text x="76" y="170" font-size="18">a²</text>
      <text x="158" y="254" font-size="18">b²</text>
      <text x="196" y="122" font-size="18">c²</text>
      <text x="126" y="172" font-size="14" font-style="italic">a</text>
      <text x="152" y="196" font-size="14" font-style="italic">b</text>
      </g>
      <text x="280" y="180" font-size="22">a² + b² = c²</text>
      <text x="280" y="214" font-size="15">a = 3 cm, b = 4 cm</text>
      <text x="280" y="238" font-size="15">c = ?</text>
      <text x="280" y="322" font-size="12" fill="#666">Figure 12</text>
    </g>`,
  // A drawing in the manner of a chest X-ray; nobody's.
  medical: `
    <defs><radialGradient id="b" cx="50%" cy="45%" r="65%"><stop offset="0" stop-color="#8c8c8c"/><stop offset="1" stop-color="#141414"/></radialGradient></defs>
    <rect width="448" height="336" fill="#0c0c0c"/>
    <path d="M96 336 V96 Q120 56 196 48 L252 48 Q328 56 352 96 V336 Z" fill="url(#b)"/>
    <path d="M204 84 Q150 78 128 164 Q112 240 126 268 Q170 236 206 252 Q214 160 204 84 Z" fill="#262626"/>
    <path d="M244 84 Q298 78 320 164 Q336 240 322 268 Q300 250 262 244 Q276 200 246 150 Z" fill="#262626"/>
    <g fill="none" stroke="#6f6f6f" stroke-width="5" opacity=".75">
      <path d="M206 104 Q150 92 124 150 M206 132 Q146 124 118 184 M206 160 Q144 156 116 218 M206 190 Q146 190 118 250"/>
      <path d="M242 104 Q298 92 324 150 M242 132 Q302 124 330 184 M242 160 Q304 156 332 218 M242 190 Q302 190 330 250"/>
      <path d="M204 78 Q150 60 104 92 M244 78 Q298 60 344 92" stroke="#8f8f8f" stroke-width="7"/>
    </g>
    <path d="M214 48 h20 v288 h-20 Z" fill="#a8a8a8" opacity=".8"/>
    <path d="M214 70 h20 M214 96 h20 M214 122 h20 M214 148 h20 M214 174 h20 M214 200 h20 M214 226 h20 M214 252 h20" stroke="#6a6a6a" stroke-width="3"/>
    <path d="M212 168 Q196 226 222 256 Q262 268 292 246 Q270 190 236 164 Z" fill="#b4b4b4" opacity=".85"/>
    <path d="M100 290 Q160 236 222 262 Q286 232 348 284 V336 H100 Z" fill="#9a9a9a" opacity=".9"/>
    <text x="24" y="40" font-family="DejaVu Sans, sans-serif" font-size="20" fill="#ddd">R</text>
    <text x="24" y="322" font-family="DejaVu Sans, sans-serif" font-size="12" fill="#aaa">drawing, no patient</text>`,
  // A sketch of a page, with a pencil.
  design: `
    <rect width="448" height="336" fill="#fdfcf8"/>
    <g fill="none" stroke="#4a4a4a" stroke-width="2.5" stroke-linecap="round" stroke-linejoin="round">
      <path d="M42 22 Q200 18 406 24 Q409 170 404 312 Q220 317 44 311 Q39 160 42 22 Z"/>
      <path d="M43 62 Q220 59 405 63"/>
      <circle cx="68" cy="42" r="11"/>
      <path d="M250 43 h30 M300 44 h30 M350 42 h36"/>
      <path d="M60 84 Q140 80 222 86 Q225 150 220 206 Q140 209 61 204 Q57 140 60 84 Z"/>
      <path d="M60 84 L220 206 M222 86 L61 204" stroke-width="1.5"/>
      <path d="M246 100 h130 M246 118 h96"  stroke-width="6"/>
      <path d="M246 142 h140 M246 156 h128 M246 170 h136" stroke-width="2"/>
      <path d="M247 184 Q296 181 340 185 Q343 198 339 209 Q290 211 248 208 Q244 196 247 184 Z" fill="#e3e0d6"/>
      <path d="M60 228 h96 v66 h-96 Z M176 228 h96 v66 h-96 Z M292 228 h96 v66 h-96 Z"/>
      <path d="M76 262 q14 -22 32 0 q16 18 34 -2 M194 270 a28 18 0 1 1 58 0 Z M308 276 l24 -34 l34 34 Z"/>
    </g>
    <g font-family="DejaVu Sans, sans-serif" font-size="12" fill="#555" font-style="italic">
      <text x="262" y="201">order</text>
      <text x="116" y="150">picture</text>
    </g>`,
  // A crossing seen from the driver's place.
  driving: `
    <rect width="448" height="170" fill="#bcd9ee"/>
    <rect y="150" width="448" height="186" fill="#8fa37c"/>
    <path d="M170 150 H278 L440 336 H8 Z" fill="#5c5f63"/>
    <path d="M222 336 L222 290 M222 268 L222 236 M222 220 L223 198" stroke="#f4f1e4" stroke-width="5"/>
    <path d="M0 176 H448 V196 H0 Z" fill="#66696d"/>
    <g fill="#f6f4ec"><path d="M112 206 l20 0 l-10 14 l-24 0 Z M150 206 l20 0 l-7 14 l-24 0 Z M188 206 l20 0 l-3 14 l-24 0 Z M226 206 l20 0 l2 14 l-24 0 Z M264 206 l20 0 l7 14 l-24 0 Z M302 206 l20 0 l11 14 l-24 0 Z"/></g>
    <rect x="16" y="60" width="86" height="108" fill="#c9a58a"/><rect x="28" y="74" width="18" height="24" fill="#7fa0b8"/><rect x="66" y="74" width="18" height="24" fill="#7fa0b8"/><rect x="28" y="116" width="18" height="24" fill="#7fa0b8"/><rect x="66" y="116" width="18" height="24" fill="#7fa0b8"/>
    <rect x="356" y="40" width="80" height="128" fill="#a8b0b8"/><rect x="370" y="56" width="16" height="20" fill="#5f7f99"/><rect x="404" y="56" width="16" height="20" fill="#5f7f99"/><rect x="370" y="96" width="16" height="20" fill="#5f7f99"/><rect x="404" y="96" width="16" height="20" fill="#5f7f99"/>
    <path d="M330 210 V84" stroke="#333" stroke-width="5"/><rect x="318" y="50" width="24" height="60" rx="5" fill="#222"/>
    <circle cx="330" cy="62" r="8" fill="#e03a2f"/><circle cx="330" cy="80" r="8" fill="#4a4423"/><circle cx="330" cy="98" r="8" fill="#23402a"/>
    <g><path d="M196 150 h48 l8 14 v22 h-64 v-22 Z" fill="#b23b3b"/><path d="M202 152 h36 l5 11 h-46 Z" fill="#cfe3ef"/><rect x="191" y="182" width="12" height="8" fill="#222"/><rect x="237" y="182" width="12" height="8" fill="#222"/><circle cx="196" cy="173" r="3" fill="#ffdf6b"/><circle cx="244" cy="173" r="3" fill="#ffdf6b"/></g>
    <g fill="#2f3a56"><circle cx="146" cy="180" r="7" fill="#d9a98a"/><path d="M139 188 h14 l3 24 h-20 Z"/><path d="M141 212 l-4 18 M151 212 l5 18" stroke="#2f3a56" stroke-width="5"/></g>
    <rect y="318" width="448" height="18" fill="#23262a"/>`,
};

const folder = join(ROOT, 'recipes', 'applications', 'samples');
mkdirSync(folder, { recursive: true });
for (const [name, body] of Object.entries(SAMPLES)) {
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}" viewBox="0 0 ${WIDTH} ${HEIGHT}">${body}</svg>`;
  const png = await sharp(Buffer.from(svg))
    .png({ palette: true, colours: COLOURS, effort: 10, compressionLevel: 9 })
    .toBuffer();
  writeFileSync(join(folder, `${name}.png`), png);
  process.stdout.write(`${name}.png ${png.length} bytes\n`);
}
