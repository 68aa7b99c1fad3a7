#include "report/html_style.h"

namespace sonograd {

const char* const page_style = R"css(
:root{color-scheme:light dark;--page:#f6f7f9;--panel:#fff;--ink:#1b2230;--muted:#5b6576;--rule:#e1e5eb;
--accent:#2257bf;--good:#0c7a6a;--good-soft:#e2f4f0;--bad:#b23a24;--bad-soft:#fbe9e5}
@media screen and (prefers-color-scheme:dark){:root{--page:#0d1219;--panel:#161d26;--ink:#e8ecf3;--muted:#9ba6b7;
--rule:#273140;--accent:#77a7ff;--good:#4fd0b7;--good-soft:#12312d;--bad:#ff917a;--bad-soft:#3a1d19}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:16px/1.55 system-ui,-apple-system,'Segoe UI',Roboto,
'Helvetica Neue',Arial,sans-serif;-webkit-text-size-adjust:100%}
main{max-width:1080px;margin:0 auto;padding:40px 24px 64px}
h1{font-size:34px;line-height:1.15;letter-spacing:-.02em;margin:4px 0 10px}
h2{font-size:22px;letter-spacing:-.01em;margin:56px 0 4px}
h3{font-size:15px;margin:28px 0 10px}
p{margin:0 0 12px;max-width:68ch}
.eyebrow{color:var(--accent);font-weight:600;font-size:14px;margin:0}
.lead,.about,figcaption,.facts dt,footer{color:var(--muted)}
.lead{font-size:18px}
.about{margin-bottom:18px}
.panel{background:var(--panel);border:1px solid var(--rule);border-radius:14px;padding:20px;margin:0;min-width:0}
.grid{display:grid;gap:18px;grid-template-columns:repeat(2,minmax(0,1fr))}
.verdict{display:grid;gap:8px 40px;grid-template-columns:minmax(0,5fr) minmax(0,6fr);align-items:center;padding:28px;
margin-top:26px}
.score{font-size:76px;font-weight:700;line-height:1;letter-spacing:-.045em;font-variant-numeric:tabular-nums}
.score small{font-size:.5em;letter-spacing:0;font-weight:600;margin-left:.1em}
.verdict p{margin:10px 0 0}
.facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(124px,1fr));gap:14px 24px;margin:26px 0 0}
.facts div{min-width:0}
.facts dt{font-size:13px}
.facts dd{margin:0;font-weight:600;overflow-wrap:anywhere}
svg.figure{display:block;width:100%;height:auto;overflow:visible}
figcaption{font-size:14px;line-height:1.45;margin-top:12px}
.panel h3{margin:0 0 14px}
.scroll{overflow-x:auto}
.wrap td:first-child{white-space:normal;font-weight:400}
.scroll+.scroll{margin-top:18px}
.words th,.words td,.words td:first-child{white-space:normal;text-align:left;font-weight:400;vertical-align:top;width:auto}
.words td:first-child{white-space:nowrap}
.pairs td:first-child,.pairs th:first-child{white-space:normal}
.pairs th,.pairs td{padding-left:14px;vertical-align:bottom}
.pairs th:first-child,.pairs td:first-child{padding-left:0}
.pairs tbody tr:nth-child(even) td{color:var(--muted);border-top:0;padding-top:0;font-weight:400}
.pairs tbody tr:nth-child(odd) td{padding-bottom:2px}
table{border-collapse:collapse;width:100%;font-size:15px;font-variant-numeric:tabular-nums}
th,td{padding:8px 0 8px 18px;border-top:1px solid var(--rule);text-align:left;white-space:nowrap}
th:first-child,td:first-child{padding-left:0}
thead th{border-top:0;color:var(--muted);font-weight:500;font-size:13px}
tbody td:first-child{font-weight:600}
.number{text-align:right}
.samples{display:grid;grid-template-columns:repeat(4,1fr);gap:8px}
.row{font-size:14px;font-weight:600;margin:14px 0 6px}
.gallery{display:grid;gap:18px;grid-template-columns:repeat(auto-fill,minmax(min(100%,290px),1fr))}
.card{overflow:hidden;padding:0}
.pair{display:grid;grid-template-columns:1fr 1fr;gap:2px;background:#000}
img{display:block;width:100%;height:auto;background:#000}
.samples img{border-radius:8px}
.card .text{padding:14px 16px 16px}
.answer{display:flex;justify-content:space-between;align-items:baseline;gap:10px;margin:0 0 10px}
.pill{font-size:12.5px;font-weight:600;border-radius:99px;padding:2px 10px;white-space:nowrap}
.gans{display:grid;gap:18px;grid-template-columns:repeat(auto-fit,minmax(min(100%,280px),1fr))}
.gans img{border-radius:8px;margin-bottom:18px}
.gans svg{margin-top:14px}
.gans .facts{grid-template-columns:1fr 1fr}
.wide svg{min-width:620px}
.pill{background:var(--rule)}
.facts+.panel{margin-top:18px}
.findings small{color:var(--muted);display:block}
.findings th,.findings td{padding-left:14px;vertical-align:bottom}
.findings th:first-child,.findings td:first-child{padding-left:0}
.findings td:first-child{white-space:normal}
.right{color:var(--good);background:var(--good-soft)}
.wrong{color:var(--bad);background:var(--bad-soft)}
.file{font-size:12.5px;color:var(--muted);margin:10px 0 0;overflow-wrap:anywhere;line-height:1.4}
pre{background:var(--panel);border:1px solid var(--rule);border-radius:10px;padding:14px 16px;margin:0 0 14px;
font:13.5px/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;white-space:pre-wrap;overflow-wrap:anywhere}
ul{margin:0;padding-left:20px;max-width:72ch}
li{margin-bottom:6px}
details{border-top:1px solid var(--rule);padding:10px 0}
summary{cursor:pointer;font-weight:600}
details table{margin:8px 0 4px;font-size:14px}
details td,details th{white-space:normal;overflow-wrap:anywhere;padding:5px 0 5px 18px}
details td:first-child{font-weight:400;color:var(--muted);width:38%}
details .number{text-align:left}
details thead{display:none}
footer{margin-top:48px;font-size:13.5px}
@media screen and (max-width:640px){.grid{grid-template-columns:minmax(0,1fr)}main{padding:24px 16px 48px}h1{font-size:27px}.lead{font-size:16px}
.verdict{grid-template-columns:1fr;padding:20px;gap:22px}.score{font-size:60px}.panel{padding:14px}h2{margin-top:44px}
.card{padding:0}.facts{grid-template-columns:1fr 1fr}}
@media print{table{font-size:12px}th,td{padding:5px 0 5px 8px}body{background:#fff;font-size:11pt}main{max-width:none;padding:0}.panel{border-color:#ccc}
.panel,pre,tr{break-inside:avoid}h2,h3{break-after:avoid}
*{-webkit-print-color-adjust:exact;print-color-adjust:exact}}
)css";

}  // namespace sonograd
