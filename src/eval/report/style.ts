/** The report's style sheet: system fonts, hairlines, one accent; light and dark by the reader's own setting. */
export const REPORT_STYLE: string = `
:root{color-scheme:light dark;--paper:#fdfcfa;--raised:#fff;--ink:#1d1c1a;--soft:#67635c;--hair:#e4e0d8;--grid:#ece9e2;
--accent:#3a4fb8;--good:#2c7a54;--bad:#b8402f;--s0:#3a4fb8;--s1:#c05a1c;--s2:#2c8a6b;--s3:#a13d7e;--s4:#8a7414;--s5:#5a6a78;
--sans:system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,"Noto Sans",sans-serif;
--mono:ui-monospace,"SF Mono","Cascadia Mono",Menlo,Consolas,"DejaVu Sans Mono",monospace}
@media (prefers-color-scheme:dark){:root{--paper:#151517;--raised:#1d1d20;--ink:#ebe9e4;--soft:#a19d95;--hair:#333237;
--grid:#29292d;--accent:#9aa8f5;--good:#63c497;--bad:#f08a78;--s0:#9aa8f5;--s1:#f0a063;--s2:#63c9a5;--s3:#e68fc4;--s4:#d8c25a;--s5:#a3b2c0}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;text-size-adjust:100%;scroll-behavior:smooth}
@media (prefers-reduced-motion:reduce){html{scroll-behavior:auto}}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.55 var(--sans);font-variant-numeric:tabular-nums;overflow-wrap:break-word}
:lang(zh){font-family:"PingFang SC","Hiragino Sans GB","Noto Sans CJK SC","Noto Sans SC","Source Han Sans SC","Microsoft YaHei",var(--sans)}
.page{max-width:1040px;margin:0 auto;padding:56px 28px 72px}
h1,h2,h3{line-height:1.2;font-weight:620;text-wrap:balance;margin:0}
h1{font-size:clamp(1.9rem,1.4rem + 2.2vw,2.7rem);letter-spacing:-.022em}
h2{font-size:1.35rem;letter-spacing:-.012em}
h3{font-size:1rem}
p{margin:0}
small{font-size:.8125rem;color:var(--soft);font-weight:400}
a{color:var(--accent);text-underline-offset:.18em;text-decoration-thickness:1px}
:focus-visible{outline:2px solid var(--accent);outline-offset:3px}
.skip{position:absolute;left:-999px}.skip:focus{left:12px;top:12px}
.eyebrow{color:var(--soft);font-size:.875rem;margin-bottom:14px}
.lede{max-width:62ch;margin-top:16px;font-size:1.125rem;color:var(--soft)}
nav{margin-top:26px;font-size:.9375rem}
nav ul{display:flex;flex-wrap:wrap;gap:6px 22px;margin:0;padding:0;list-style:none}
nav a{text-decoration:none}nav a:hover{text-decoration:underline}
.headline{display:grid;grid-template-columns:repeat(auto-fit,minmax(190px,1fr));gap:26px 32px;margin:44px 0 0;padding:26px 0;border-block:1px solid var(--hair)}
.headline div{display:flex;flex-direction:column}
.headline dt{font-size:.9375rem;order:1;margin-top:8px}
.headline dd{margin:0;font-size:2.35rem;line-height:1.1;font-weight:600;letter-spacing:-.025em}
.headline div:first-child dd:not(.detail){color:var(--accent)}
.headline .detail{order:2;margin-top:2px;font-size:.8125rem;font-weight:400;line-height:1.35;letter-spacing:0;color:var(--soft)}
main>section{margin-top:64px}
main>section>h2+p{max-width:68ch;margin-top:8px;color:var(--soft)}
main>section>h2~:is(table,div,ol,ul,article,.scale){margin-top:24px}
.empty{color:var(--soft);font-style:italic;margin-top:16px}
figure{margin:0}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,420px),1fr));gap:44px 40px}
.chart{min-width:0}
.chart svg:not(.key){display:block;width:100%;height:auto;margin-top:10px}
.chart text{font:12px var(--sans);fill:var(--soft);font-variant-numeric:tabular-nums}
.chart figcaption{font-size:.875rem;color:var(--soft);margin-top:8px;max-width:60ch}
.grid path{stroke:var(--grid);stroke-width:1}.axis{stroke:var(--soft);stroke-width:1;opacity:.55}
.line,.raw{fill:none;stroke:currentColor;stroke-linejoin:round;stroke-linecap:round}
.line{stroke-width:2}.raw{stroke-width:1;opacity:.26}
.reference path{stroke:var(--soft);stroke-width:1;stroke-dasharray:3 4}
.s0{color:var(--s0)}.s1{color:var(--s1)}.s2{color:var(--s2)}.s3{color:var(--s3)}.s4{color:var(--s4)}.s5{color:var(--s5)}
.s1 .line,.key.s1 path{stroke-dasharray:7 4}.s2 .line,.key.s2 path{stroke-dasharray:2 4}.s3 .line,.key.s3 path{stroke-dasharray:9 3 2 3}
.legend{display:flex;flex-wrap:wrap;gap:2px 18px;margin:8px 0 0;padding:0;list-style:none;font-size:.875rem;color:var(--soft)}
.legend b{color:var(--ink);font-weight:600}
.key{width:22px;height:8px;margin-right:6px;vertical-align:middle}.key path{stroke:currentColor;stroke-width:2;stroke-linecap:round}
table{border-collapse:collapse;width:100%}
caption{caption-side:bottom;text-align:left;font-size:.875rem;color:var(--soft);padding-top:12px;max-width:72ch}
th{text-align:left;font-weight:500}
thead th{font-size:.875rem;color:var(--soft);font-weight:400}
.number{text-align:right}
.scroll{overflow-x:auto;max-width:100%}
.accuracy th,.accuracy td{padding:9px 0;border-bottom:1px solid var(--hair);vertical-align:middle}
.accuracy tbody tr:last-child>*{border-bottom-color:transparent}
.accuracy thead :is(th){padding:0 0 6px;vertical-align:bottom}
.accuracy tbody th[scope=row]{width:34%}
.accuracy .number{width:8.5em;padding-right:32px;font-weight:600;white-space:nowrap}
.accuracy thead .number{font-weight:400}
.accuracy :is(th,td) small{display:block;line-height:1.3}
.accuracy .group th{padding:26px 0 6px;font-weight:620;border-color:var(--hair)}
.accuracy tbody:first-of-type .group th{padding-top:14px}
.strip div{position:relative;height:20px;margin:0 14px}
.strip i{position:absolute;top:0;height:100%}
.strip .range{top:8px;height:4px;border-radius:2px;background:var(--accent);opacity:.36}
.strip .dot{top:5px;width:10px;height:10px;margin-left:-5px;border-radius:50%;background:var(--accent)}
.strip .chance{top:-12px;height:44px;border-left:1px dashed var(--soft);opacity:.7}
.places span{position:absolute;transform:translateX(-50%);color:var(--soft);font-size:.8125rem}
.confusion{width:auto;min-width:min(100%,430px)}
.confusion caption{padding-top:14px}
.confusion :is(th,td){padding:10px 14px}
.confusion tbody th,.confusion .corner{padding-left:0}
.confusion .over{text-align:center;padding-bottom:0}
.confusion thead tr+tr th:not(.corner){text-align:center;color:var(--ink);font-weight:500}
.confusion tbody td{min-width:112px;text-align:center;border:3px solid var(--paper);border-radius:8px;background:color-mix(in oklab,var(--tone) var(--share),var(--grid));padding:18px 12px}
.confusion .right{--tone:var(--accent)}.confusion .wrong{--tone:var(--bad)}
.confusion td b{display:block;font-size:1.3rem;font-weight:600;line-height:1.2}
.confusion td small{color:inherit;opacity:.82}
.confusion .full{color:var(--paper)}.confusion .full small{opacity:1}
.cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,210px),1fr));gap:34px 26px;padding:0;margin-bottom:0;list-style:none}
img{display:block;max-width:100%;height:auto;background:#fff;border-radius:8px;box-shadow:0 0 0 1px var(--hair)}
.cards img{width:100%}
figcaption blockquote{margin:12px 0 0;line-height:1.35;font-weight:500}
blockquote{margin:0}
.verdict{display:flex;justify-content:space-between;gap:12px;margin-top:8px;font-size:.9375rem}
.wrong{color:var(--bad)}.right{color:var(--good)}
.confusion td.wrong,.confusion td.right{color:var(--ink)}.confusion td.full{color:var(--paper)}
.meter{height:3px;margin-top:5px;border-radius:2px;background:var(--grid)}
.meter i{display:block;height:100%;border-radius:2px;background:currentColor}
.truth,.note{margin-top:6px;font-size:.875rem;color:var(--soft)}.note{margin-top:2px}.truth b{font-weight:600;color:var(--ink)}
.attention{display:grid;grid-template-columns:200px 1fr;gap:28px 36px;padding:28px 0;border-top:1px solid var(--hair)}
.attention+.attention{margin-top:0!important}
.attention>figure img{width:100%}
.attention ol{display:grid;grid-template-columns:repeat(auto-fill,minmax(116px,1fr));gap:20px 16px;align-content:start;margin:0;padding:0;list-style:none}
.attention li img{width:100%}
.attention li figcaption{margin-top:6px;text-align:center;font-size:.9375rem}
.scale{display:flex;align-items:center;gap:10px;font-size:.8125rem;color:var(--soft);margin-bottom:24px}
.scale i{width:150px;height:8px;border-radius:4px}
.facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,270px),1fr));gap:34px 40px}
.facts dl{margin:8px 0 0}
.facts dl div{display:flex;justify-content:space-between;gap:18px;padding:7px 0;border-bottom:1px solid var(--hair);font-size:.9375rem}
.facts dt{color:var(--soft);flex:none}.facts dd{margin:0;text-align:right;min-width:0;overflow-wrap:anywhere}
progress{display:block;width:100%;height:6px;margin-top:26px;border:0;border-radius:3px;overflow:hidden;background:var(--grid);accent-color:var(--accent);appearance:none}
progress::-webkit-progress-bar{background:var(--grid)}progress::-webkit-progress-value{background:var(--accent);border-radius:3px}progress::-moz-progress-bar{background:var(--accent)}
.samples{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,300px),1fr));gap:32px 36px;padding:0;margin-bottom:0;list-style:none}
.samples li{display:flex;gap:16px;align-items:flex-start;min-width:0}.samples img{width:84px;flex:none}.samples div{min-width:0;flex:1}
.samples blockquote{line-height:1.35;font-weight:500;white-space:pre-line}
.samples table{margin-top:8px;font-size:.9375rem}.samples thead{position:absolute;clip-path:inset(50%);width:1px;height:1px;overflow:hidden}
.samples tbody th{width:7em;padding:2px 10px 2px 0;color:var(--soft);font-size:.8125rem;font-weight:400;vertical-align:baseline;text-align:right}
.samples td{padding:2px 0;vertical-align:baseline;white-space:pre-line}
details{margin-top:28px}summary{cursor:pointer;color:var(--accent)}
pre{overflow-x:auto;margin:14px 0 0;padding:18px 20px;border-radius:8px;background:var(--raised);box-shadow:0 0 0 1px var(--hair);font:13px/1.6 var(--mono);tab-size:2}
.licences{min-width:520px}.licences :is(th,td){padding:9px 24px 9px 0;border-bottom:1px solid var(--hair);vertical-align:top;font-size:.9375rem}
.licences th small{display:block}
.caveats{margin:20px 0 0;padding-left:1.2em;max-width:68ch}.caveats li+li{margin-top:8px}
footer{margin-top:72px;padding-top:18px;border-top:1px solid var(--hair);font-size:.875rem;color:var(--soft)}
@media (max-width:640px){.page{padding:32px 18px 48px}main>section{margin-top:52px}
.headline{grid-template-columns:1fr 1fr;gap:22px 18px;margin-top:32px;padding:22px 0}.headline dd:not(.detail){font-size:1.8rem}
.accuracy .number{width:5.6em;padding-right:12px}.accuracy tbody th[scope=row]{width:36%;padding-right:8px}.strip div{margin:0 12px}.places .odd{display:none}.strip .dot{top:6px;width:8px;height:8px;margin-left:-4px}
.confusion :is(th,td){padding:8px}.confusion tbody td{min-width:92px;padding:14px 6px}
.cards{grid-template-columns:1fr 1fr;gap:28px 16px}.attention{grid-template-columns:1fr;gap:20px}
.attention>figure{display:grid;grid-template-columns:112px 1fr;gap:16px;align-items:start}.attention>figure blockquote{margin-top:0}
.attention ol{grid-template-columns:repeat(3,1fr);gap:16px 12px}}
@media print{:root{color-scheme:light}.page{max-width:none;padding:0}nav,.skip{display:none}.chart,.cards li,.attention,tr{break-inside:avoid}}
`.trim();
