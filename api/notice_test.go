package api_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"duban/domain/notice"
)

// shortNotice is an invented notice: five clauses, four of them with offices,
// six shares of three offices, one dated deadline.
const shortNotice = `某省工业和信息化厅文件

某工信安〔2019〕7号

某省工业和信息化厅关于印发安全生产专项整治工作方案的通知

各有关处室：

现将《安全生产专项整治工作方案》印发给你们，请认真贯彻执行。

某省工业和信息化厅
2019年6月26日

安全生产专项整治工作方案

一、加强源头治理

（一）摸清底数。对列入搬迁改造计划的企业逐户登记，到2019年12月底全部完成。（责任处室：化工处、技术改造处）

（二）完善规划。科学规划工业园区空间布局。（责任处室：化工处）

二、健全防控机制

（一）分级管控。建立安全风险分级管控办法，绘制四色等级图。（责任处室：技术改造处、信息中心）

（二）强化宣传。开展安全生产月宣传活动。（责任处室：信息中心）

三、工作要求

（一）提高认识。各处室要高度重视，压实责任。
`

func TestShortNoticeIsWhatTheTestsTakeItFor(t *testing.T) {
	n := start(t)
	n.unchanged(func() {
		var d notice.Draft
		n.do(request{method: http.MethodPost, path: "directives/preview", token: n.token, media: "text/plain", body: shortNotice}).want(http.StatusOK).into(&d)
		assert.Equal(t, "某工信安〔2019〕7号", d.DocumentNumber)
		assert.Len(t, d.Clauses, 5)
	})
	im := n.importNotice(shortNotice)
	require.Len(t, im.tasks, 4)
	assert.Contains(t, im.offices, "化工处")
	assert.Len(t, im.offices, 4, "three of the notice and the safety office: %v", im.offices)
}
