package api_test

import (
	"net/http"

	"github.com/stretchr/testify/assert"
)

const (
	completed = "duban.task.completed.v1"
	accepted  = "duban.task.share_accepted.v1"
)

// share drives the shared task up to closure: signatures, objections, transfers,
// plans, reports, more time, suspension.
func (s *story) share() {
	s.t.Helper()
	chem, tech, info := s.offices["化工处"], s.offices["技术改造处"], s.offices["信息中心"]
	s.tell("huagong", s.task+"/acknowledge", body{"person": "person/huagong"})
	s.refused("huagong", s.task+"/acknowledge", body{}, http.StatusConflict, "acknowledged.again")
	s.refused("huagong", s.task+"/acknowledge", body{"office": tech}, http.StatusForbidden, "share.other_office")
	s.tell("huagong", s.task+"/change-handler", body{"from": "person/huagong", "to": "person/huagong-02"})

	s.tell("jigai", s.task+"/dispute", body{"reason": "底数由统计部门掌握"})
	s.tell("operator", s.task+"/uphold", body{"office": tech, "reason": "按通知执行"})
	s.tell("jigai", s.task+"/dispute", body{"reason": "建议由信息中心承担", "suggested_office": info})
	s.tell("operator", s.task+"/transfer", body{"from": tech, "to": info, "cause": "dispute", "reason": "异议成立"})
	s.refused("jigai", s.task+"/acknowledge", body{}, http.StatusConflict, "share.none")

	extra := s.act(s.token, "offices", body{"name": "规划处", "type": "office"})
	plan := "office/" + extra.ID
	s.tell("operator", s.task+"/assign", body{"offices": []body{{"office": plan, "role": "supporting"}}, "instructions": "配合登记"})
	s.tell("operator", s.task+"/designate-lead", body{"office": chem})
	s.tell("operator", s.task+"/absorb", body{"from": plan, "to": chem, "cause": "decision", "reason": "并入牵头处室"})

	s.tell("operator", s.task+"/decide-kind", body{"kind": "one_off", "reason": "有明确成果"})
	s.tell("operator", s.task+"/set-deadline", body{"date": "2019-11-30", "reason": "内控时限"})
	s.tell("xinxi", s.task+"/propose-deadline", body{"date": "2019-10-31"})
	s.tell("huagong", s.task+"/submit-plan", body{"responsible_person": "处室负责人", "measures": []body{{"text": "逐户登记", "due": "2019-08-31"}}})
	s.tell("xinxi", s.task+"/report", body{"condition": "normal", "progress": "系统已上线", "substantive": true})
	s.tell("operator", s.task+"/remind", body{"words": "请抓紧", "via": "phone"})

	ask := body{"new_date": "2020-01-31", "reason": "企业搬迁延后"}
	s.tell("huagong", s.task+"/request-extension", ask)
	s.tell("operator", s.task+"/refuse-extension", body{"office": chem, "reason": "理由不足"})
	s.tell("huagong", s.task+"/request-extension", ask)
	grant := body{"office": chem, "new_date": "2020-01-31"}
	s.refused("operator", s.task+"/grant-extension", grant, http.StatusConflict, "approval.required")
	grant["approval"] = approved("同意延期")
	s.refused("operator", s.task+"/grant-extension", grant, http.StatusConflict, "deadline.source")
	grant["basis"] = []body{{"document": "某工信安〔2019〕9号", "article": "三"}}
	s.tell("operator", s.task+"/grant-extension", grant)

	s.refused("operator", s.task+"/suspend", body{"reason": "等待上级文件"}, http.StatusConflict, "approval.required")
	earlier := body{"reason": "等待上级文件", "approval": approved("暂缓"), "time": "2019-06-26T23:59:00+08:00"}
	s.refused("operator", s.task+"/suspend", earlier, http.StatusUnprocessableEntity, "approval.on")
	s.tell("operator", s.task+"/suspend", body{"reason": "等待上级文件", "approval": approved("暂缓")})
	s.refused("huagong", s.task+"/request-closure", body{"summary": "完成"}, http.StatusConflict, "share.suspended")
	s.refused("operator", s.task+"/resume", body{"deadline": "2020-02-28"}, http.StatusConflict, "deadline.source")
	s.refused("operator", s.task+"/set-deadline", body{"date": "2020-02-28"}, http.StatusConflict, "deadline.source")
	s.tell("operator", s.task+"/resume", body{"deadline": "2020-02-28", "basis": grant["basis"]})
}

// hazard records a major finding on the task and brings it to a second order.
func (s *story) hazard() {
	s.t.Helper()
	w := s.act(s.people["jiancha-a"], "findings", body{
		"subject": body{"name": "某化工有限公司", "place": "一号罐区"}, "description": "储罐泄漏仍在运行", "category": "工艺安全",
		"found_on": "2019-06-28", "tasks": []string{"task/" + s.task[len("tasks/"):]}, "evidence": s.attach("现场照片"),
	})
	s.finding = "findings/" + w.ID
	s.remember("record")
	order := body{"rectifier": body{"name": "某化工有限公司"}, "supervising_office": s.offices["化工处"], "measures": "停用检修", "deadline": "2019-12-10"}
	s.refused("jiancha-a", s.finding+"/order-rectification", order, http.StatusConflict, "finding.rectification_ordered.status")
	s.tell("jiancha-b", s.finding+"/verify", body{"opinion": "属实"})
	s.tell("jiancha-b", s.finding+"/grade", body{"grade": "major", "criterion": "重大隐患判定标准"})
	s.tell("operator", s.finding+"/list-supervision", body{"level": "provincial", "until": "2020-01-31"})
	s.tell("jiancha-a", s.finding+"/order-suspension", body{"decision_no": "停字1号", "scope": "一号罐区"})
	s.tell("jiancha-a", s.finding+"/order-rectification", order)
	s.tell("huagong", s.finding+"/file-plan", body{"goals": "消除泄漏", "measures": "检修", "resources": "资金落实", "responsible": "设备部", "schedule": "12月完成", "contingency": "备用罐"})
	s.refused("jigai", s.finding+"/report-rectification", body{"evidence": s.attach("别处的")}, http.StatusForbidden, "finding.rectification_reported.office")
	s.tell("huagong", s.finding+"/report-rectification", body{"summary": "已检修", "evidence": s.attach("检修记录")})
	s.tell("jiancha-b", s.finding+"/reinspect", body{"passed": false, "opinion": "仍有渗漏"})
	s.tell("jiancha-a", s.finding+"/order-rectification", body{"rectifier": body{"name": "某化工有限公司"}, "supervising_office": s.offices["化工处"], "deadline": "2020-01-20"})
}

// closing brings both shares to the last acceptance, which the finding blocks.
func (s *story) closing() {
	s.t.Helper()
	chem, info := s.offices["化工处"], s.offices["信息中心"]
	s.tell("huagong", s.task+"/request-closure", body{"summary": "登记完毕", "evidence": s.attach("登记表")})
	s.tell("operator", s.task+"/return", body{"office": chem, "reason": "缺签字", "due": "2019-12-31"})
	s.tell("huagong", s.task+"/request-closure", body{"summary": "已补签字", "evidence": s.attach("签字登记表")})
	assert.Equal(s.t, []string{accepted}, s.tell("fuhe", s.task+"/accept", body{"office": chem, "opinion": "同意"}))
	request := body{"office": info, "summary": "系统建成", "on_behalf_of": info, "received_via": "paper", "received_on": "2019-06-28"}
	s.refused("operator", s.task+"/request-closure", request, http.StatusUnprocessableEntity, "behalf.evidence")
	request["evidence"] = s.attach("来件扫描")
	s.tell("operator", s.task+"/request-closure", request)
	s.refused("operator", s.task+"/accept", body{"office": info}, http.StatusConflict, "approval.required")
	s.refused("fuhe", s.task+"/accept", body{"office": info}, http.StatusConflict, "completed.finding")
}

// settling puts the hazard right, completes the task with its last acceptance,
// and reopens and completes it once more.
func (s *story) settling() {
	s.t.Helper()
	info := s.offices["信息中心"]
	s.refused("operator", s.finding+"/approve-resumption", body{}, http.StatusConflict, "finding.resumption_approved.status")
	s.tell("huagong", s.finding+"/report-rectification", body{"summary": "返厂大修", "evidence": s.attach("大修记录")})
	s.tell("jiancha-b", s.finding+"/reinspect", body{"passed": true, "opinion": "合格"})
	s.tell("operator", s.finding+"/approve-resumption", body{"opinion": "同意恢复"})
	s.refused("jiancha-b", s.finding+"/write-off", body{}, http.StatusConflict, "finding.written_off.two_persons")
	s.tell("jiancha-a", s.finding+"/write-off", body{"opinion": "同意销号"})
	s.tell("operator", s.finding+"/delist-supervision", body{"document": "摘牌1号"})
	assert.Equal(s.t, []string{accepted, completed}, s.tell("fuhe", s.task+"/accept", body{"office": info}))

	reopen := body{"reason": "false_completion", "words": "登记表不实", "offices": []string{info}, "deadline": "2020-03-01"}
	s.refused("operator", s.task+"/reopen", reopen, http.StatusConflict, "approval.required")
	reopen["approval"] = approved("重新办理")
	s.refused("operator", s.task+"/reopen", reopen, http.StatusConflict, "deadline.source")
	reopen["basis"] = []body{{"document": "某工信安〔2020〕3号"}}
	s.tell("operator", s.task+"/reopen", reopen)
	s.tell("xinxi", s.task+"/request-closure", body{"summary": "重新登记完毕"})
	assert.Equal(s.t, []string{accepted, completed}, s.tell("fuhe", s.task+"/accept", body{"office": info}))
}
