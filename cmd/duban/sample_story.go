package main

import (
	"net/http"

	"duban/domain/calendar"
)

// The story below is invented. Only the notice is real; no person, enterprise or
// event of it is. It leaves shares in every state, hazards of both grades, a
// failed re-inspection, entries from paper, late entries and corrections, so
// that known_at, history and the lights have something to show.

// The people of the story, by the names of their accounts.
const (
	safetyClerk = "operator"
	reviewer    = "anweiban-02"
	inspectorA  = "jiancha-01"
	inspectorB  = "jiancha-02"
	parkDesk    = "yuanqu-01"
	chemDesk    = "huagong-01"
	techDesk    = "jigai-01"
	energyDesk  = "jieneng-01"
	civilDesk   = "junmin-01"
	infoDesk    = "xinxi-01"
	equipDesk   = "zhuangbei-01"
	lawDesk     = "fagui-01"
)

// The offices of the notice that act in the story.
const (
	park   = "工业园区处"
	chem   = "化工处"
	tech   = "技术与改造投资处"
	energy = "节能与综合利用处"
	civil  = "军民结合推进处"
	info   = "信息化推进处"
	equip  = "装备工业处"
	law    = "政策法规处"
	sci    = "科技促进处"
	goods  = "消费品工业处"
	center = "信息中心"
)

func approval(on, words string) body {
	return body{"leader": "分管厅领导", "on": on, "words": words}
}

func report(condition, progress, problems, next string) body {
	return body{"condition": condition, "progress": progress, "problems": problems, "next_steps": next, "substantive": condition != "not_started"}
}

func (t *teller) tell() {
	t.july()
	t.august()
	t.autumn()
	t.winter()
}

// publishYears publishes the working days of 2019, as amended in March.
func (t *teller) publishYears() {
	t.at("2019-06-28 10:00")
	var y map[string]any
	t.as(safetyClerk).send(http.MethodGet, "calendars/2019/proposal", "", nil, &y)
	y["source"], y["time"] = "国办发明电〔2018〕15号、〔2019〕3号", "2019-03-22T09:00:00+08:00"
	t.post("calendars", y)
}

// publishNextYear publishes 2020 as it was announced in November 2019.
func (t *teller) publishNextYear() {
	off := []string{"2020-01-01"}
	for _, span := range []struct{ from, until calendar.Date }{
		{"2020-01-24", "2020-01-30"}, {"2020-04-04", "2020-04-06"}, {"2020-05-01", "2020-05-05"}, {"2020-06-25", "2020-06-27"}, {"2020-10-01", "2020-10-08"},
	} {
		for d := span.from; d <= span.until; d = d.AddDays(1) {
			off = append(off, string(d))
		}
	}
	t.as(safetyClerk).post("calendars", body{"year": 2020, "off": off, "source": "国办发明电〔2019〕16号",
		"worked": []string{"2020-01-19", "2020-02-01", "2020-04-26", "2020-05-09", "2020-06-28", "2020-09-27", "2020-10-10"}})
}

func (t *teller) july() {
	t.publishYears()
	t.at("2019-07-01 09:10")
	t.as(safetyClerk).importNotice()
	for _, p := range [][3]string{
		{reviewer, "safety_office", ""}, {inspectorA, "inspector", ""}, {inspectorB, "inspector", ""},
		{parkDesk, "office", park}, {chemDesk, "office", chem}, {techDesk, "office", tech}, {energyDesk, "office", energy},
		{civilDesk, "office", civil}, {infoDesk, "office", info}, {equipDesk, "office", equip}, {lawDesk, "office", law},
	} {
		t.admit(p[0], p[1], p[2])
	}

	t.at("2019-07-01 10:30")
	t.as(safetyClerk)
	for _, k := range []int{1, 3, 5, 6, 8, 10, 11, 14, 18, 20, 21} {
		t.task(k, "decide-kind", body{"kind": "one_off", "reason": "有明确成果"})
	}
	for _, d := range []struct {
		number int
		date   string
	}{{1, "2019-11-30"}, {3, "2019-12-20"}, {5, "2019-10-31"}, {6, "2019-12-31"}, {8, "2019-11-15"}, {11, "2019-12-10"}, {14, "2020-03-31"}, {18, "2020-06-30"}, {20, "2019-12-18"}} {
		t.task(d.number, "set-deadline", body{"date": d.date, "reason": "内控时限"})
	}

	t.task(7, "decide-kind", body{"kind": "recurring", "reason": "按季度推进", "schedule": body{"unit": "quarter", "first": "2019-Q3", "due_day": 10, "due_in": "next"}})
	t.post("directives/"+t.directive+"/require-reporting", body{"unit": "month", "due_day": 5, "due_in": "next", "from": "2019-10-01",
		"offices": []string{t.office(park), t.office(energy), t.office(info)}, "note": "每月5日前报送上月进展"})

	t.at("2019-07-02 09:05")
	t.as(parkDesk).task(1, "acknowledge", body{"person": "person/" + parkDesk})
	t.task(5, "acknowledge", body{"person": "person/" + parkDesk})
	t.as(chemDesk).task(2, "acknowledge", body{})
	t.task(4, "acknowledge", body{"person": "person/" + chemDesk})
	t.at("2019-07-03 15:40")
	t.as(energyDesk).task(4, "acknowledge", body{})
	t.task(3, "acknowledge", body{})
	t.task(7, "acknowledge", body{})
	t.as(techDesk).task(6, "acknowledge", body{})
	t.task(3, "acknowledge", body{})

	t.at("2019-07-04 11:00")
	t.as(parkDesk).task(11, "dispute", body{"reason": "重大安全风险审查由技术改造投资审批环节把关，建议由技术与改造投资处承担", "suggested_office": t.office(tech)})
	t.at("2019-07-05 16:20")
	t.as(equipDesk).task(8, "dispute", body{"reason": "安全产业统计口径未明确"})
	t.at("2019-07-10 09:30")
	t.as(safetyClerk).task(8, "uphold", body{"office": t.office(equip), "reason": "按通知分工执行，口径另行商定"})
	t.at("2019-07-12 10:00")
	t.task(11, "transfer", body{"from": t.office(park), "to": t.office(tech), "cause": "dispute", "reason": "异议成立"})
	t.at("2019-07-15 14:00")
	t.task(19, "submit-plan", body{
		"office": t.office(civil), "time": "2019-07-12T09:00:00+08:00", "responsible_person": "处室负责人",
		"measures":     []body{{"text": "修订执法人员岗位责任制", "deliverable": "岗位责任清单", "due": "2019-09-30"}, {"text": "开展执法程序抽查", "words": "每季度"}},
		"on_behalf_of": t.office(civil), "received_via": "paper", "received_on": "2019-07-12", "evidence": t.attach("样例：军民结合推进处工作措施（纸质来件扫描）"),
	})
	t.at("2019-07-18 09:20")
	t.as(chemDesk).task(4, "submit-plan", body{"responsible_person": "处室负责人", "supervising_leader": "分管厅领导", "measures": []body{
		{"text": "摸清列入搬迁改造计划的企业底数", "deliverable": "企业清单", "due": "2019-08-15"},
		{"text": "逐户制定搬迁改造或转产关闭方案", "deliverable": "一企一策方案", "due": "2019-09-30"},
	}})
	t.at("2019-07-31 16:50")
	t.task(4, "report", report("normal", "已完成企业底数摸排，共 14 户（样例数字）。", "", "逐户制定方案"))
	t.as(parkDesk).task(1, "report", report("normal", "已完成现有园区空间布局梳理。", "", "会同有关部门论证"))
}

func (t *teller) august() {
	t.at("2019-08-05 09:15")
	t.as(civilDesk).task(10, "acknowledge", body{})
	t.task(12, "acknowledge", body{})
	t.task(20, "acknowledge", body{})
	t.as(infoDesk).task(9, "report", report("not_started", "尚未启动。", "平台由牵头部门统一建设，接口标准未下发", "继续对接"))
	t.at("2019-08-14 10:00")
	ins := t.as(inspectorA).post("inspections", body{"kind": "专项检查", "scope": "危险化学品企业搬迁改造期间安全管理", "team": []string{"person/" + inspectorA, "person/" + inspectorB},
		"subject": body{"name": "样例化工有限公司", "place": "样例化工园区"}})
	inspection := "inspection/" + ins.ID
	t.at("2019-08-14 15:30")
	f := t.post("findings", body{"subject": body{"name": "样例化工有限公司", "place": "样例化工园区一号罐区"}, "description": "罐区可燃气体报警器两处失效", "category": "设备设施",
		"found_on": "2019-08-14", "inspection": inspection, "tasks": []string{"task/" + t.tasks[2]}, "evidence": t.attach("样例：现场照片说明")})
	t.gas = "findings/" + f.ID
	t.orderGas()
	t.at("2019-08-14 16:00")
	spot := t.as(inspectorA).post("findings", body{"subject": body{"name": "样例化工有限公司", "place": "样例化工园区二号装置"}, "description": "消防通道堆放杂物", "category": "作业现场",
		"found_on": "2019-08-14", "inspection": inspection})
	t.post("findings/"+spot.ID+"/verify", body{})
	t.post("findings/"+spot.ID+"/grade", body{"grade": "ordinary"})
	t.post("findings/"+spot.ID+"/rectify-on-spot", body{"measures": "当场清理完毕"})
	t.at("2019-08-14 17:10")
	dup := t.post("findings", body{"subject": body{"name": "样例化工有限公司", "place": "样例化工园区"}, "description": "巡检记录字迹不清", "category": "管理台账", "found_on": "2019-08-14", "inspection": inspection})
	t.at("2019-08-15 09:40")
	t.as(inspectorB).post("findings/"+dup.ID+"/dismiss", body{"reason": "不构成隐患，已口头提醒"})
	t.as(inspectorA).post("inspections/"+ins.ID+"/close", body{"summary": "共查看装置 3 套、罐区 1 处，登记发现 3 项（样例）。"})
	t.at("2019-08-30 17:00")
	t.as(chemDesk).task(4, "report", report("normal", "14 户企业中 9 户已确定搬迁改造方案。", "2 户资金未落实", "协调扶持奖励政策"))
	t.at("2019-08-30 17:20")
	t.as(energyDesk).task(7, "report", body{"period": "2019-08", "condition": "normal", "nil": true})
	t.at("2019-08-30 17:40")
	t.as(parkDesk).task(5, "report", report("behind", "园区整合方案征求意见中。", "两个园区边界未达成一致", "提请专题研究"))
}

// orderGas orders the rectification of the ordinary hazard that fails its first
// re-inspection and is written off after the second.
func (t *teller) orderGas() {
	f := t.gas
	t.at("2019-08-14 15:40")
	t.as(inspectorA).post(f+"/verify", body{"opinion": "情况属实"})
	t.post(f+"/grade", body{"grade": "ordinary", "criterion": "企业安全生产隐患分级（样例）"})
	t.post(f+"/order-rectification", body{"number": "样例责改〔2019〕1号", "rectifier": body{"name": "样例化工有限公司"}, "supervising_office": t.office(chem),
		"measures": "更换失效报警器并标定", "funds_fen": 3_200_000, "deadline": "2019-08-30"})
}

func (t *teller) autumn() {
	t.at("2019-09-02 09:30")
	gas := t.gas
	t.as(safetyClerk).post(gas+"/report-rectification", body{"summary": "已更换报警器两台", "time": "2019-08-29T10:00:00+08:00",
		"on_behalf_of": t.office(chem), "received_via": "oa", "received_on": "2019-08-29", "evidence": t.attach("样例：企业整改报告")})
	t.as(inspectorA).post(gas+"/reinspect", body{"passed": false, "opinion": "一台报警器未标定，复查不合格"})
	t.at("2019-09-02 11:00")
	t.post(gas+"/order-rectification", body{"number": "样例责改〔2019〕2号", "rectifier": body{"name": "样例化工有限公司"}, "supervising_office": t.office(chem), "measures": "重新标定", "deadline": "2019-09-20"})
	t.at("2019-09-03 10:10")
	t.as(safetyClerk).task(20, "absorb", body{"from": t.office(info), "to": t.office(civil), "cause": "decision", "reason": "数据互联互通由一个处室统一推进"})
	t.at("2019-09-18 16:00")
	t.as(chemDesk).post(gas+"/report-rectification", body{"summary": "已标定并出具报告", "evidence": t.attach("样例：标定报告")})
	t.at("2019-09-20 10:00")
	t.as(civilDesk).task(10, "request-closure", body{"summary": "分级分类监管办法已印发", "evidence": t.attach("样例：监管办法印发稿")})
	t.at("2019-09-23 14:30")
	t.as(inspectorB).post(gas+"/reinspect", body{"passed": true, "opinion": "现场测试合格"})
	t.post(gas+"/write-off", body{"opinion": "同意销号"})
	t.at("2019-09-25 09:00")
	t.as(reviewer).task(10, "accept", body{"office": t.office(civil), "opinion": "同意办结"})
	t.at("2019-09-29 16:30")
	t.as(techDesk).task(6, "report", report("normal", "三个文件已完成起草。", "", "报厅务会审议"))
	mistaken := t.as(chemDesk).task(2, "report", report("normal", "完成 15 户企业防护距离核查。", "", "整改不符合项"))
	t.at("2019-09-30 09:05")
	if len(mistaken.Events) > 0 {
		t.task(2, "correct", body{"target": mistaken.Events[0].ID, "mode": "amend", "changes": body{"progress": "完成 13 户企业防护距离核查。"}, "reason": "户数填写有误"})
	}

	t.at("2019-10-08 10:00")
	t.as(safetyClerk).task(18, "suspend", body{"reason": "等待上位法修订", "approval": approval("2019-10-08", "同意暂缓，法规公布后恢复。")})
	t.at("2019-10-09 11:00")
	t.as(energyDesk).task(7, "request-closure", body{"period": "2019-Q3", "summary": "三季度支持项目已下达", "evidence": t.attach("样例：三季度项目清单")})
	t.at("2019-10-14 09:30")
	t.as(reviewer).task(7, "accept", body{"office": t.office(energy), "period": "2019-Q3", "opinion": "同意"})
	t.at("2019-10-15 15:00")
	t.major()
	t.at("2019-10-20 09:50")
	t.as(parkDesk).task(5, "request-extension", body{"new_date": "2019-12-15", "reason": "园区边界需自治区专题会议研究"})
	t.at("2019-10-24 11:15")
	t.as(safetyClerk).task(5, "grant-extension", body{"office": t.office(park), "new_date": "2019-12-15", "reason": "同意", "approval": approval("2019-10-23", "同意延期至12月15日。")})
	t.at("2019-10-31 16:00")
	t.as(techDesk).task(3, "report", report("normal", "已对照目录完成第一批企业梳理。", "", "第二批梳理"))
	t.at("2019-11-05 10:30")
	t.as(safetyClerk).task(10, "reopen", body{"reason": "new_facts", "words": "国家出台新的分级标准，办法需要修订", "deadline": "2020-02-28", "approval": approval("2019-11-04", "按新标准修订。")})
	t.at("2019-11-11 10:00")
	t.waiting()
	t.at("2019-11-12 09:30")
	t.as(techDesk).task(8, "request-closure", body{"summary": "安全产业集聚区建设方案已报送", "evidence": t.attach("样例：建设方案")})
	t.at("2019-11-18 14:00")
	t.as(reviewer).task(8, "accept", body{"office": t.office(tech), "opinion": "同意"})
	t.at("2019-11-20 10:40")
	t.as(parkDesk).task(1, "request-closure", body{"summary": "园区空间布局规划已批复", "evidence": t.attach("样例：规划批复")})
	t.at("2019-11-21 16:30")
	t.publishNextYear()
	t.at("2019-11-26 15:20")
	t.as(reviewer).task(1, "accept", body{"office": t.office(park), "opinion": "材料齐全，同意办结"})
	t.at("2019-11-28 09:00")
	t.as(safetyClerk).task(9, "remind", body{"words": "请抓紧报送风险信息管理平台对接情况", "via": "oa"})
}

// waiting leaves a hazard that was put right without its re-inspection.
func (t *teller) waiting() {
	f := "findings/" + t.as(inspectorA).post("findings", body{"subject": body{"name": "样例食品厂", "place": "样例市冷库"}, "description": "冷库无人员被困报警装置", "category": "设备设施", "found_on": "2019-11-11"}).ID
	t.post(f+"/verify", body{})
	t.post(f+"/grade", body{"grade": "ordinary"})
	t.post(f+"/order-rectification", body{"rectifier": body{"name": "样例食品厂"}, "supervising_office": t.office(goods), "measures": "安装报警装置", "deadline": "2019-11-29"})
	t.at("2019-11-11 16:00")
	t.post(f+"/report-rectification", body{"summary": "已安装并试用", "evidence": t.attach("样例：安装照片说明")})
}

// major follows one major hazard through listing and suspension to a failed
// re-inspection; it keeps the task it belongs to from completion.
func (t *teller) major() {
	f := t.as(inspectorA).post("findings", body{"subject": body{"name": "样例焦化有限公司", "place": "样例工业园区煤气柜"}, "description": "煤气柜活塞倾斜超限仍在运行", "category": "工艺安全",
		"found_on": "2019-10-15", "hazard_since": "2019-09-01", "tasks": []string{"task/" + t.tasks[4]}, "evidence": t.attach("样例：检测数据")})
	t.heavy = "findings/" + f.ID
	m := t.heavy
	t.at("2019-10-15 16:00")
	t.as(inspectorB).post(m+"/verify", body{"opinion": "情况属实"})
	t.post(m+"/grade", body{"grade": "major", "criterion": "工贸行业重大生产安全事故隐患判定标准（2017版）"})
	t.at("2019-10-16 09:00")
	t.post(m+"/order-suspension", body{"decision_no": "样例停字〔2019〕1号", "scope": "煤气柜及下游用户"})
	t.post(m+"/order-rectification", body{"number": "样例责改〔2019〕5号", "rectifier": body{"name": "样例焦化有限公司"}, "supervising_office": t.office(chem),
		"responsible_person": "企业主要负责人", "measures": "停用检修，更换导轮", "funds_fen": 180_000_000, "deadline": "2019-12-10", "contingency": "停用期间以备用气源供气", "acceptor": "专家组"})
	t.at("2019-10-18 10:00")
	t.as(safetyClerk).post(m+"/list-supervision", body{"level": "provincial", "document": "样例督〔2019〕1号", "until": "2020-01-31"})
	t.as(chemDesk).post(m+"/file-plan", body{"goals": "消除煤气柜倾斜隐患", "measures": "停用、清洗、更换导轮并检测", "resources": "资金 180 万元已落实（样例数字）",
		"responsible": "企业设备部门", "schedule": "12月10日前完成", "contingency": "备用气源、专人值守"})
}

func (t *teller) winter() {
	t.at("2019-12-02 09:30")
	late := t.as(inspectorB).post("findings", body{"subject": body{"name": "样例机械厂", "place": "样例市喷涂车间"}, "description": "喷涂车间未设置防爆电气", "category": "设备设施", "found_on": "2019-10-29",
		"time": "2019-10-29T14:00:00+08:00", "note": "检查记录补录"})
	for _, step := range []struct {
		act string
		b   body
	}{
		{"verify", body{"time": "2019-10-30T09:00:00+08:00"}},
		{"grade", body{"grade": "ordinary", "time": "2019-10-30T09:30:00+08:00"}},
		{"order-rectification", body{"rectifier": body{"name": "样例机械厂"}, "supervising_office": t.office(equip), "measures": "更换防爆电气", "deadline": "2019-11-30", "time": "2019-10-30T10:00:00+08:00"}},
	} {
		t.post("findings/"+late.ID+"/"+step.act, step.b)
	}
	t.at("2019-12-04 10:00")
	t.as(techDesk).task(6, "request-closure", body{"summary": "三个文件均已印发实施", "evidence": t.attach("样例：三个文件印发稿")})
	t.at("2019-12-05 09:30")
	t.as(civilDesk).task(10, "report", report("behind", "已对照新标准完成办法修订稿。", "需与相关部门会签", "征求意见"))
	t.task(10, "request-extension", body{"new_date": "2020-04-30", "reason": "会签部门较多"})
	t.at("2019-12-06 15:00")
	t.as(reviewer).task(6, "accept", body{"office": t.office(tech), "opinion": "同意"})
	t.at("2019-12-09 09:00")
	t.as(safetyClerk).task(4, "remind", body{"words": "距文件规定的12月底不足一个月，请加快进度", "via": "phone"})
	t.at("2019-12-10 10:20")
	t.as(parkDesk).task(5, "request-closure", body{"summary": "整合方案已印发", "evidence": t.attach("样例：整合方案")})
	t.as(infoDesk).task(21, "report", report("normal", "数据综合管理系统完成立项。", "", "开展招标"))
	t.as(equipDesk).task(21, "dispute", body{"reason": "监测预警装备攻关由科技部门牵头，建议不再承担"})
	t.at("2019-12-11 14:00")
	t.failMajor()
	t.at("2019-12-12 09:40")
	t.as(reviewer).task(5, "return", body{"office": t.office(park), "reason": "缺少两个园区边界的确认文件", "due": "2019-12-15"})
	t.at("2019-12-12 16:00")
	t.as(energyDesk).task(3, "request-closure", body{"summary": "第一、二批企业已完成治理", "evidence": t.attach("样例：治理情况")})
	t.at("2019-12-13 10:00")
	t.as(lawDesk).task(22, "report", report("normal", "宣传月活动和普法宣讲已开展。", "", "完善法规查询平台"))
	t.as(safetyClerk).task(20, "request-closure", body{"office": t.office(civil), "summary": "各部门数据接口已开通", "on_behalf_of": t.office(civil), "received_via": "phone",
		"received_on": "2019-12-13", "note": "军民结合推进处来电，书面材料随后补送"})
}

// failMajor reports the major hazard as put right and finds that it is not.
func (t *teller) failMajor() {
	m := t.heavy
	t.as(chemDesk).post(m+"/report-rectification", body{"summary": "导轮已更换", "time": "2019-12-06T10:00:00+08:00", "evidence": t.attach("样例：检修记录")})
	t.as(inspectorB).post(m+"/reinspect", body{"passed": false, "opinion": "活塞倾斜仍超过允许值"})
	t.post(m+"/order-rectification", body{"number": "样例责改〔2019〕9号", "rectifier": body{"name": "样例焦化有限公司"}, "supervising_office": t.office(chem), "measures": "返厂大修", "deadline": "2020-01-20"})
}
