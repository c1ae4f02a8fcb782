"""What the Chinese pages say of recorded files: sentences, and the claims of theory, with the files' own numbers."""

# ruff: noqa: RUF001  Chinese punctuation is meant

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks import reports

from zerosum.studies import STUDIES, study

CLAIMS = Path(__file__).parents[1] / "docs" / "theory" / "claims.json"
SOURCES = {
    "Theorem": "定理",
    "Proposition": "命题",
    "Corollary": "推论",
    "Example": "例",
    "figure": "图",
    "eq.": "式",
    "section": "第",
    "and ": "与 ",
    "closed form": "闭式解",
    "all mass moves by": "全部质量移动",
    "the mean of |cos| is": "|cos| 的均值为",
    "law of large numbers": "大数定律",
    "determinant 1": "行列式为 1",
    "the Dirac-GAN": "Dirac-GAN",
    "sums of independent signs": "独立符号之和",
}
STATEMENTS = {  # the claims, by their English names
    "V(D*, G) = -log 4 + 2 JS(p, q)": "V(D*, G) = -log 4 + 2 JS(p, q)",
    "no other D gains on D*": "其他任何 D 都不优于 D*",
    "C(G) where the generator is the data": "生成分布等于数据分布时的 C(G)",
    "C(G) where supports are apart": "两个支撑集不相交时的 C(G)",
    "C(G) is least at the data, of 41 shifts": "41 个平移中 C(G) 的最小点（相对数据）",
    "E |D - D*| of a D trained in 1-D": "一维训练所得 D 的 E |D - D*|",
    "E |D - D*| of a D trained in 2-D": "二维训练所得 D 的 E |D - D*|",
    "V(D, G) of the D trained in 2-D, less C(G)": "二维训练所得 D 的 V(D, G) 减 C(G)",
    "JS bound by the D trained in 1-D, less JS": "一维训练所得 D 给出的 JS 下界减 JS",
    "KL(N(0, 1) || N(1, 2)) by integration": "KL(N(0, 1) || N(1, 2))，数值积分",
    "TV(N(0, 1), N(1, 1)) by integration": "TV(N(0, 1), N(1, 1))，数值积分",
    "W1(N(0, 1), N(0, 2)) by integration": "W1(N(0, 1), N(0, 2))，数值积分",
    "KL(N(0, 1) || N(1, 2)) from samples, 1-D": "KL(N(0, 1) || N(1, 2))，由样本估计，一维",
    "KL of the same from samples, 2-D": "同上，二维",
    "JS from samples, 1-D, less JS": "由样本估计的 JS 减 JS，一维",
    "JS from samples, 2-D, less JS": "由样本估计的 JS 减 JS，二维",
    "TV(N(0, 1), N(1, 1)) from histograms": "TV(N(0, 1), N(1, 1))，由直方图估计",
    "W1(N(0, 1), N(0, 2)) from sorted samples": "W1(N(0, 1), N(0, 2))，由排序后的样本估计",
    "W1 of points moved by 0.7, 2-D": "二维点集平移 0.7 后的 W1",
    "sliced W1 of the same": "同一平移的切片 W1",
    "mean of log p - log q on data, less KL(p || q)": "数据上 log p - log q 的均值减 KL(p || q)",
    "Gaussian of least KL(p || q), from the moments": "KL(p || q) 最小的高斯，与矩匹配解之差",
    "likeliest Gaussian of samples, from the moments": "样本的最大似然高斯，与矩匹配解之差",
    "Gaussian of least JS(p, q), spread over four starts": "JS(p, q) 最小的高斯，四个初值间的差异",
    "its mean, that of the heavy mode": "其均值，即较重模式的均值",
    "its deviation, that of the heavy mode": "其标准差，即较重模式的标准差",
    "Gaussian of a trained GAN, from that of least JS": "训练所得 GAN 的高斯，与 JS 最小者之差",
    "KL at theta = 0.5": "θ = 0.5 处的 KL",
    "TV at theta = 0.5": "θ = 0.5 处的 TV",
    "JS at theta = 0.5": "θ = 0.5 处的 JS",
    "JS at theta = 0": "θ = 0 处的 JS",
    "slope of JS between 0.5 and 1": "JS 在 0.5 与 1 之间的斜率",
    "W1 at theta = 0.5": "θ = 0.5 处的 W1",
    "slope of W1 between 0.5 and 1": "W1 在 0.5 与 1 之间的斜率",
    "mean error of the trained D": "训练所得 D 的平均误差",
    "gradient of log(1 - D), over its largest": "log(1 - D) 的梯度与其最大值之比",
    "gradient of log(1 - D), over its bound eps / (1 - eps)": "log(1 - D) 的梯度与上界 ε / (1 - ε) 之比",
    "gradient of -log D, over the largest of log(1 - D)": "-log D 的梯度与 log(1 - D) 的最大梯度之比",
    "gradient from a trained critic": "训练所得评论家给出的梯度",
    "W1 as the critic tells it": "评论家给出的 W1",
    "eigenvalues, from -g/2 +- sqrt(g^2/4 - 1/4)": "特征值与 -g/2 ± sqrt(g^2/4 - 1/4) 之差",
    "their real part without R1": "没有 R1 时的实部",
    "their real part with R1 of g = 0.3": "R1 权重 g = 0.3 时的实部",
    "log growth a step, both players at once": "每步的对数增长，双方同时更新",
    "log growth a step, one after the other": "每步的对数增长，双方交替更新",
    "turn a step, both players at once": "每步转过的角度，双方同时更新",
    "turn a step, one after the other": "每步转过的角度，双方交替更新",
    "log growth a step, both at once with R1": "每步的对数增长，同时更新并加 R1",
    "E |D - D*|, D trained alone (b)": "E |D - D*|，只训练 D（b）",
    "JS(p_data, p_g) at the end (d)": "结束时的 JS(p_data, p_g)（d）",
    "E |D - 1/2| at the end": "结束时的 E |D - 1/2|",
    "V(D, G) at the end": "结束时的 V(D, G)",
    "FGSM's change of a score, over epsilon ||w||_1, less 1": "FGSM 对得分的改变与 ε ||w||_1 之比减 1",
    "its growth with the number of features, an exponent": "它随特征数增长的指数",
    "that of changes of random signs": "随机符号的改变的增长指数",
    "steps of PGD, less one of FGSM": "多步 PGD 与一步 FGSM 之差",
    "loss under FGSM, less E softplus(epsilon ||w||_1 - y w x)": "FGSM 下的损失减 E softplus(ε ||w||_1 - y w x)",
    "accuracy with 4 features": "4 个特征时的正确率",
    "4 features, moved by FGSM": "4 个特征，受 FGSM 改变",
    "accuracy with 400 features": "400 个特征时的正确率",
    "400 features, moved in random directions": "400 个特征，朝随机方向改变",
    "400 features, moved by FGSM": "400 个特征，受 FGSM 改变",
    "D's gradient, less twice the critic's": "D 的梯度减评论者梯度的两倍",
    "the critic's value of the most real arm": "评论者对最真实的臂的估值",
    "the critic's value of the least real arm": "评论者对最不真实的臂的估值",
    "G's gradient, less the policy gradient over arms": "G 的梯度减各臂上的策略梯度",
    "G's gradient, less the deterministic policy gradient": "G 的梯度减确定性策略梯度",
    "G's gradient, less the policy gradient over numbers": "G 的梯度减实数动作上的策略梯度",
}


def blocks() -> dict[str, str]:
    """Every table of the Chinese pages, by name."""
    claims = json.loads(CLAIMS.read_text())
    return {
        "zh-count": count(study.results()),
        "zh-demo": demo(reports.read("demo_quality.json")),
        "zh-claims": f"共 {sum(map(len, claims.values()))} 条论断，每条都有容差。",
        **{f"zh-{topic}": table(of) for topic, of in claims.items()},
    }


def table(claims: Sequence[Mapping[str, Any]]) -> str:
    """A topic's claims, with their numbers."""
    signs = {"=": "", "<=": "≤ ", ">=": "≥ "}
    rows = ["| 论断 | 理论值 | 测量值 | 容差 |", "|---|---|---|---|"]
    for claim in claims:
        said = f"{STATEMENTS[claim['statement']]}；{source(claim['source'])}".replace("||", "‖").replace("|", "\\|")
        theory, measured = (number(claim[key]) for key in ("theory", "measured"))
        rows.append(f"| {said} | {signs[claim['relation']]}{theory} | {measured} | {claim['tolerance']:g} |")
    return "\n".join(rows)


def number(value: float | str) -> str:
    """As the English page has it: four digits; "inf" is written so in JSON."""
    return value if isinstance(value, str) else f"{value:.4g}"


def source(text: str) -> str:
    """The paper, with what a theorem, an equation and their like are called."""
    for english, chinese in SOURCES.items():
        text = text.replace(english, chinese)
    text = text.replace(" et al., ", " 等，").replace(", ", "，")
    return re.sub("第 ([0-9.]+)", r"第 \1 节", text)


def count(results: Sequence[Mapping[str, Any]]) -> str:
    """As `tables.counted`."""
    own = [STUDIES[result["name"]] for result in results]
    reached = [known.papers for known, result in zip(own, results, strict=True) if known.reached(result)]
    papers = sum(known.papers for known in own)
    return (
        f"论文自身的 {papers} 个实验协议中，{sum(reached)} 个达标；"
        f"zerosum 以自己的方式所做的 {len(own) - papers} 项研究中，{len(reached) - sum(reached)} 项达到自定目标。"
    )


def demo(found: Mapping[str, Any]) -> str:
    """As `benchmarks.demo_quality.sentence`."""
    draws = [draw for run in found["runs"] for draw in run["draws"]]
    shares, rarest = ([100 * draw[key] for draw in draws] for key in ("recognised", "rarest"))
    seconds = [run["seconds"] for run in found["runs"]]
    return (
        f"*`make demo` 的 64 个样本：用 5,000 张真实数字训练，从敲下命令到训练结束 {min(seconds):.0f} 到 "
        f"{max(seconds):.0f} 秒（{found['hardware']}）。新抽的 1,000 个样本中，"
        f"随包附带的数字分类网络以不低于 0.9 的概率认出 {min(shares):.1f} 到 {max(shares):.1f} %；"
        f"该网络在 MNIST 测试集上的正确率为 {100 * found['test']['right']:.2f} %，"
        f"认出其中的 {100 * found['test']['recognised']:.1f} %。样本中最少的一类数字占 {min(rarest):.1f} 到 "
        f"{max(rarest):.1f} %：训练 {len(seconds)} 次，每次用 {len(draws) // len(seconds)} 个种子抽样"
        f"（`{found['command']}`）。*"
    )
